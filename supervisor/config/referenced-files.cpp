// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/referenced-files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>

#include "common/config/wipe.h"
#include "common/config/yaml-tree.h"

namespace smsd::config {
namespace {

using config::Node;

constexpr std::size_t mostOfAFile = 8 << 20;  // as much as a worker reads of a certificate file

/// Returns the content, which is empty also if the file does not exist, cannot be read or is not a regular
/// file. The caller wipes it, because it may be a secret.
std::string contentOf(const std::filesystem::path& path) {
  // Opening a FIFO must not block.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return {};
  std::string content;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    char buffer[16384];
    // The string never grows, because a smaller buffer would be freed without being wiped.
    content.reserve(std::min<std::size_t>(static_cast<std::size_t>(status.st_size), mostOfAFile) +
                    2 * sizeof buffer);
    for (ssize_t n; content.size() <= mostOfAFile && (n = ::read(fd, buffer, sizeof buffer)) > 0;)
      content.append(buffer, static_cast<std::size_t>(n));
    ::explicit_bzero(buffer, sizeof buffer);
  }
  ::close(fd);
  return content;
}

bool isScalar(const Node& node) { return node.kind == Node::Kind::plain || node.kind == Node::Kind::quoted; }

/// `section`: the key above `node`.
void collect(const Node& node, const std::string& section, std::vector<NamedFile>& found) {
  for (const Node& item : node.items) collect(item, section, found);
  for (const auto& [key, place, value] : node.entries) {
    if (isScalar(value) && (key.ends_with("_file") || (key == "file" && section == "secrets")))
      found.push_back({key, value.scalar});
    collect(value, key, found);
  }
}

class Digest {
 public:
  /// In order, so that exchanging the contents of two files is a change.
  void add(const std::filesystem::path& path) {
    std::string content = contentOf(path);
    const config::Wiped wiped(content);
    std::string both;
    const config::Wiped too(both);
    both.reserve(content.size() + 32);
    both.append(std::to_string(value_)).append(" ").append(content);
    value_ = std::hash<std::string>()(both);
  }
  std::size_t value() const { return value_; }

 private:
  std::size_t value_ = 0;
};

}  // namespace

std::vector<NamedFile> filesNamedIn(std::string_view yaml) {
  const auto parsed = config::parseYaml(yaml, config::Quoting::nothing);
  std::vector<NamedFile> found;
  if (const auto* root = std::get_if<Node>(&parsed)) collect(*root, "", found);
  return found;
}

std::size_t digestOfNamedFiles(std::string_view yaml, const std::filesystem::path& folder) {
  Digest digest;
  for (const auto& file : filesNamedIn(yaml)) digest.add(folder / file.path);
  return digest.value();
}

}  // namespace smsd::config
