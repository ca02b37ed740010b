// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as the files an administrator writes: smsd.yaml, and each kind of dispatcher's file (libFuzzer).
//
// The first byte chooses whose keys the rest is read by. A reading ends with values or with problems, each of
// them one printable line that names its place; it never throws and quotes no more of the file than it may.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "common/config/keys-json.h"
#include "common/config/keys.h"
#include "common/text/utf.h"
#include "supervisor/config/config.h"
#include "tests/fuzz/demand.h"
#include "workers/debug/debug.h"
#include "workers/http/http.h"
#include "workers/mail/mail.h"
#include "workers/soap/soap.h"

namespace {

using smsd::fuzz::demand;

/// A file of this process's own, made anew for each input; in the memory of /dev/shm.
const std::filesystem::path& folder() {
  static const std::filesystem::path made = [] {
    std::string name = "/dev/shm/smsd-fuzz-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) demand("a folder can be made", false);
    return std::filesystem::path(name);
  }();
  return made;
}

void checkProblems(const std::vector<smsd::config::Problem>& problems) {
  const std::string lines = smsd::text::printableLines(smsd::config::describe(problems));
  demand("each problem is one line",
         static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n')) == problems.size());
  demand("what is printed is text", smsd::text::isValid(lines));
}

void readSupervisors(std::string_view bytes) {
  const auto file = folder() / "smsd.yaml";
  std::ofstream(file, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  std::filesystem::permissions(file,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const smsd::config::ConfigRead read = smsd::config::readConfig(file, smsd::config::Reach::valuesOnly);
  checkProblems(read.problems);
  if (read.problems.empty()) demand("a good file names a dispatcher", !read.config.dispatchers.empty());
}

template <typename Dispatcher>
void readDispatchers(std::string_view bytes) {
  Dispatcher dispatcher;
  smsd::config::Keys keys;
  dispatcher.declare(keys);
  checkProblems(keys.read(bytes, "dispatcher.yaml"));
}

/// What a worker program may list as its keys: what is taken is printed so that it is taken again.
void readKeys(std::string_view bytes) {
  const auto keys = smsd::config::keysFromJson(bytes);
  if (!keys) return;
  auto list = nlohmann::ordered_json::array();
  for (const auto& key : *keys) list.push_back(smsd::config::asJson(key));
  demand("keys that were taken are taken again", smsd::config::keysFromJson(list.dump()).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  readKeys(bytes);
  switch (data[0] % 5) {
    case 0:
      readSupervisors(bytes);
      break;
    case 1:
      readDispatchers<smsd::http::HttpDispatcher>(bytes);
      break;
    case 2:
      readDispatchers<smsd::soap::SoapDispatcher>(bytes);
      break;
    case 3:
      readDispatchers<smsd::mail::MailDispatcher>(bytes);
      break;
    case 4:
      readDispatchers<smsd::debug::DebugDispatcher>(bytes);
      break;
  }
  return 0;
}
