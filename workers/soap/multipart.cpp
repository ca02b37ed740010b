// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/soap/multipart.h"

#include <algorithm>

#include "common/text/ascii.h"
#include "workers/net/answer-text.h"

namespace smsd::soap {
namespace {

constexpr std::size_t longestBoundary = 70;  // RFC 2046, 5.1.1
constexpr int mostParts = 32;

bool startsWith(std::string_view text, std::string_view start) {
  return text.size() >= start.size() &&
         std::equal(start.begin(), start.end(), text.begin(),
                    [](char a, char b) { return text::lower(a) == text::lower(b); });
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(text::blanks), text.size()));
  text.remove_suffix(text.size() - (text.find_last_not_of(text::blanks) + 1));
  return text;
}

/// Returns the value of the header `name` of a part, empty when it is missing. A header may continue on the
/// next line (RFC 5322, 2.2.3).
std::string headerOf(std::string_view headers, std::string_view name) {
  std::string value;
  bool found = false;
  while (!headers.empty()) {
    std::size_t end = std::min(headers.find('\n'), headers.size() - 1);
    std::string_view line = headers.substr(0, end + 1);
    headers.remove_prefix(end + 1);
    bool goesOn = line[0] == ' ' || line[0] == '\t';
    if (found && goesOn) value += " " + std::string(trimmed(line));
    if (found && !goesOn) break;
    if (!goesOn && startsWith(line, name) && trimmed(line.substr(name.size())).starts_with(':')) {
      found = true;
      value = trimmed(trimmed(line.substr(name.size())).substr(1));
    }
  }
  return value;
}

/// Whether `rest` ends a delimiter: with blanks to the end of the line, after "--" if it is the closing one
/// (RFC 2046, 5.1.1). Otherwise the line is text, or the delimiter of an inner multipart whose boundary
/// begins with this one.
bool endsDelimiter(std::string_view rest) {
  if (rest.starts_with("--")) rest.remove_prefix(2);
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r"), rest.size()));
  return rest.empty() || rest.starts_with('\n');
}

/// Returns the place after the next line that is a `delimiter` ("--boundary"), or nothing. `start` gets the
/// place where that delimiter begins.
std::optional<std::size_t> behindDelimiter(std::string_view body, const std::string& delimiter,
                                           std::size_t from, std::size_t* start = nullptr) {
  for (std::size_t at = body.find(delimiter, from); at != std::string_view::npos;
       at = body.find(delimiter, at + 1)) {
    if (at > 0 && body[at - 1] != '\n') continue;
    if (!endsDelimiter(body.substr(at + delimiter.size()))) continue;
    if (start != nullptr) *start = at;
    return at + delimiter.size();
  }
  return std::nullopt;
}

std::optional<std::string> delimiterOf(std::string_view body, std::string_view contentType) {
  if (startsWith(trimmed(contentType), "multipart/"))
    if (auto boundary = net::parameterOf(contentType, "boundary"); boundary && !boundary->empty())
      return "--" + *boundary;
  // A proxy or a framework may have dropped the Content-Type.
  std::string_view start = body.substr(std::min(body.find_first_not_of(" \t\r\n"), body.size()));
  std::string_view line = trimmed(start.substr(0, std::min(start.find('\n'), start.size())));
  if (!line.starts_with("--") || line.size() < 3 || line.size() > longestBoundary + 2) return std::nullopt;
  return std::string(line);
}

std::string_view withoutAngles(std::string_view id) {
  id = trimmed(id);
  if (id.starts_with('<')) id.remove_prefix(1);
  if (id.ends_with('>')) id.remove_suffix(1);
  return id;
}

struct RawPart {
  std::string_view headers, content;
};

/// Returns the part that begins after the delimiter that ends at `at`. It ends before the next delimiter.
/// `next` gets the place after that one, or nothing when this part is the last.
std::optional<RawPart> partAt(std::string_view body, std::size_t at, const std::string& delimiter,
                              std::optional<std::size_t>& next) {
  if (body.substr(at).starts_with("--")) return std::nullopt;  // the closing delimiter
  at = body.find('\n', at);
  if (at == std::string_view::npos) return std::nullopt;
  ++at;
  std::size_t end = body.size();
  next = behindDelimiter(body, delimiter, at, &end);
  std::string_view part = body.substr(at, end - at);
  if (part.starts_with('\n') || part.starts_with("\r\n")) return RawPart{"", part};
  std::size_t blank = std::min(part.find("\r\n\r\n"), part.find("\n\n"));
  if (blank == std::string_view::npos) return std::nullopt;
  return RawPart{part.substr(0, blank + 1), trimmed(part.substr(blank))};
}

bool isWrittenAsItIs(std::string_view headers) {
  std::string encoding = headerOf(headers, "Content-Transfer-Encoding");
  for (std::string_view plain : {"", "7bit", "8bit", "binary"})
    if (encoding.size() == plain.size() && startsWith(encoding, plain)) return true;
  return false;
}

}  // namespace

std::optional<MimePart> rootPart(std::string_view body, std::string_view contentType) {
  auto delimiter = delimiterOf(body, contentType);
  if (!delimiter) return std::nullopt;
  auto start = net::parameterOf(contentType, "start");
  auto next = behindDelimiter(body, *delimiter, 0);
  for (int parts = 0; next && parts < mostParts; ++parts) {
    std::size_t at = *next;
    auto part = partAt(body, at, *delimiter, next);
    if (!part) return std::nullopt;
    bool isRoot = !start || withoutAngles(headerOf(part->headers, "Content-ID")) == withoutAngles(*start);
    if (!isRoot) continue;
    if (!isWrittenAsItIs(part->headers)) return std::nullopt;
    return MimePart{trimmed(part->content), headerOf(part->headers, "Content-Type")};
  }
  return std::nullopt;
}

}  // namespace smsd::soap
