// SPDX-License-Identifier: GPL-3.0-or-later
// URLs of template.h.
#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "workers/net/template.h"

namespace smsd::net {
namespace {

bool isHex(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }

// The characters of a URL (RFC 3986), and braces, which Template::parse() checks.
bool belongsInUrl(char c) {
  bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  return alphanumeric || std::string_view("-._~:/?#[]@!$&'()*+,;=%{}").find(c) != std::string_view::npos;
}

std::optional<TemplateProblem> problemOfCharacters(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    // YAML turns a line break within quotation marks into a blank.
    if (text[i] == ' ' || text[i] == '\n')
      return TemplateProblem{
          i + 1,
          "a blank does not belong in a URL, expected it as %20; where the line ends in the file, the "
          "quotation mark at its end is missing"};
    if (!belongsInUrl(text[i])) return TemplateProblem{i + 1, "does not belong in a URL, expected it as %XX"};
    if (text[i] == '#') return TemplateProblem{i + 1, "a fragment is never sent, expected %23 or nothing"};
    if (text[i] != '%') continue;
    if (text.substr(i).starts_with("%("))
      return TemplateProblem{i + 1, "%(name)s is NAV's placeholder, expected {recipient} or {text}"};
    if (i + 2 >= text.size() || !isHex(text[i + 1]) || !isHex(text[i + 2]))
      return TemplateProblem{i + 1,
                             "% without two hexadecimal digits, expected %25 for the character itself"};
  }
  return std::nullopt;
}

std::string percentDecoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    bool isEscape = text[i] == '%' && i + 2 < text.size() &&
                    std::from_chars(&text[i + 1], &text[i + 1] + 2, code, 16).ptr == &text[i + 1] + 2;
    decoded += isEscape ? static_cast<char>(code) : text[i];
    if (isEscape) i += 2;
  }
  return decoded;
}

// Decodes the path first, because servers resolve dot segments after decoding: escaping does not make them
// harmless.
bool hasDotSegment(std::string_view url) {
  std::size_t start = url.find('/', url.find("//") + 2);
  std::size_t end = std::min(url.find('?'), url.size());
  if (start >= end) return false;
  std::string path = percentDecoded(url.substr(start, end - start));
  std::replace(path.begin(), path.end(), '\\', '/');
  for (std::size_t at = 0; at < path.size();) {
    std::size_t next = std::min(path.find('/', at), path.size());
    std::string_view segment(path.data() + at, next - at);
    if (segment == "." || segment == "..") return true;
    at = next + 1;
  }
  return false;
}

std::string partOf(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::unique_ptr<char, decltype(&curl_free)> owned(text, curl_free);
  return owned.get();
}

std::variant<Origin, std::string> readOrigin(const std::string& text) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_PATH_AS_IS);
  if (code != CURLUE_OK) return std::string("not a URL: ") + curl_url_strerror(code);
  Origin origin;
  std::string port = partOf(url.get(), CURLUPART_PORT);
  std::from_chars(port.data(), port.data() + port.size(), origin.port);
  if (origin.port == 0) return "expected a port from 1 to 65535";
  origin.text = partOf(url.get(), CURLUPART_SCHEME) + "://" + partOf(url.get(), CURLUPART_HOST) + ":" + port;
  return origin;
}

}  // namespace

std::optional<Origin> originOf(const std::string& url) {
  auto read = readOrigin(url);
  if (auto* origin = std::get_if<Origin>(&read)) return std::move(*origin);
  return std::nullopt;
}

std::variant<UrlTemplate, TemplateProblem> UrlTemplate::parse(std::string_view text,
                                                              const Constants& constants) {
  if (auto problem = problemOfCharacters(text)) return *problem;
  auto parsed = Template::parse(text, Place::url, constants);
  if (auto problem = std::get_if<TemplateProblem>(&parsed)) return *problem;
  UrlTemplate result;
  result.template_ = std::get<Template>(std::move(parsed));

  if (!text.starts_with("http://") && !text.starts_with("https://"))
    return TemplateProblem{1, "expected http:// or https://"};
  std::size_t authority = text.find("//") + 2;
  std::size_t authorityEnd = std::min(text.find_first_of("/?", authority), text.size());
  // libcurl accepts more than two slashes, and takes the text after them as the host.
  if (authorityEnd == authority) return TemplateProblem{authority + 1, "expected a host"};
  // libcurl would send a username or password, and every copy of this file would hold it.
  // `http://{user}:{password}@` is refused, too.
  if (text.substr(authority, authorityEnd - authority).find('@') != std::string_view::npos)
    return TemplateProblem{
        authority + 1,
        "a username or a password does not belong in a URL, expected `auth` with username and "
        "password_file"};
  std::size_t first = result.template_.firstNameAt();
  if (first != 0 && first <= authorityEnd)
    return TemplateProblem{first, "a placeholder may stand in the path and the query only"};
  if (text.substr(0, std::min(text.find('?'), text.size())).find('{') != std::string_view::npos)
    result.values_ = Stand::inPath;

  std::string sample = result.template_.expand({"1", "1", "1", "1"});
  if (hasDotSegment(sample))
    return TemplateProblem{authorityEnd + 1, "expected a path without . and .. segments"};
  auto origin = readOrigin(sample);
  if (auto* problem = std::get_if<std::string>(&origin)) return TemplateProblem{1, *problem};
  result.origin_ = std::get<Origin>(origin).text;
  result.port_ = std::get<Origin>(origin).port;
  return result;
}

std::optional<std::string> UrlTemplate::expand(const Values& values) const {
  std::string url = template_.expand(values);
  if (values_ == Stand::inPath && hasDotSegment(url)) return std::nullopt;
  return url;
}

}  // namespace smsd::net
