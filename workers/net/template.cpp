#include "workers/net/template.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <utility>

namespace smsd::net {
namespace {

constexpr std::pair<std::string_view, Placeholder> words[] = {
    {"recipient", Placeholder::recipient}, {"text", Placeholder::text}, {"key", Placeholder::key}};

std::string_view valueOf(Placeholder placeholder, const Values& values) {
  switch (placeholder) {
    case Placeholder::recipient:
      return values.recipient;
    case Placeholder::text:
      return values.text;
    case Placeholder::key:
      return values.key;
  }
  std::abort();
}

std::optional<Placeholder> placeholderNamed(std::string_view name) {
  for (auto& [word, placeholder] : words)
    if (word == name) return placeholder;
  return std::nullopt;
}

// The C locale's letters and digits, whatever the process has set.
bool isAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
bool isUnreserved(char c) {
  return isAlphanumeric(c) || std::string_view("-._~").find(c) != std::string_view::npos;
}
bool isHex(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }

// RFC 3986: what a URL is made of, and the braces that were checked before.
bool belongsInUrl(char c) {
  return isUnreserved(c) || std::string_view(":/?#[]@!$&'()*+,;=%{}").find(c) != std::string_view::npos;
}

std::optional<Problem> problemOfCharacters(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!belongsInUrl(text[i])) return Problem{i + 1, "does not belong in a URL, expected it as %XX"};
    if (text[i] == '#') return Problem{i + 1, "a fragment is never sent, expected %23 or nothing"};
    if (text[i] != '%') continue;
    if (text.substr(i).starts_with("%("))
      return Problem{i + 1, "%(name)s is NAV's placeholder, expected {recipient} or {text}"};
    if (i + 2 >= text.size() || !isHex(text[i + 1]) || !isHex(text[i + 2]))
      return Problem{i + 1, "% without two hexadecimal digits, expected %25 for the character itself"};
  }
  return std::nullopt;
}

std::string percentDecoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    bool escaped = text[i] == '%' && i + 2 < text.size() &&
                   std::from_chars(&text[i + 1], &text[i + 1] + 2, code, 16).ptr == &text[i + 1] + 2;
    decoded += escaped ? static_cast<char>(code) : text[i];
    if (escaped) i += 2;
  }
  return decoded;
}

// Servers resolve dot segments after they have decoded the path, so escaping does not keep them harmless.
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

}  // namespace

std::string percentEscape(std::string_view value) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string escaped;
  escaped.reserve(value.size() * 2);
  for (char c : value) {
    if (isUnreserved(c)) {
      escaped += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    escaped += '%';
    escaped += digits[byte >> 4];
    escaped += digits[byte & 15];
  }
  return escaped;
}

std::string describe(const Problem& problem) {
  return "character " + std::to_string(problem.at) + ": " + problem.what;
}

std::variant<Template, Problem> Template::parse(std::string_view text, Escape escape) {
  Template result;
  result.escape_ = escape;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t brace = std::min(text.find_first_of("{}", at), text.size());
    Part part{std::string(text.substr(at, brace - at)), std::nullopt, brace + 1};
    at = brace;
    if (brace < text.size()) {
      std::size_t end = text.find('}', brace);
      if (text[brace] == '{' && end != std::string_view::npos)
        part.placeholder = placeholderNamed(text.substr(brace + 1, end - brace - 1));
      if (!part.placeholder)
        return Problem{brace + 1, "not a placeholder, expected one of {recipient}, {text}, {key}"};
      at = end + 1;
    }
    result.parts_.push_back(std::move(part));
  }
  return result;
}

std::string Template::expand(const Values& values) const {
  std::string result;
  for (auto& part : parts_) {
    result += part.literal;
    if (part.placeholder) result += escape_(valueOf(*part.placeholder, values));
  }
  return result;
}

std::optional<std::size_t> Template::find(Placeholder placeholder) const {
  for (auto& part : parts_)
    if (part.placeholder == placeholder) return part.at;
  return std::nullopt;
}

std::variant<UrlTemplate, Problem> UrlTemplate::parse(std::string_view text) {
  if (auto problem = problemOfCharacters(text)) return *problem;
  auto parsed = Template::parse(text, percentEscape);
  if (auto problem = std::get_if<Problem>(&parsed)) return *problem;
  UrlTemplate result;
  result.template_ = std::get<Template>(std::move(parsed));

  if (!text.starts_with("http://") && !text.starts_with("https://"))
    return Problem{1, "expected http:// or https://"};
  std::size_t authorityEnd = std::min(text.find_first_of("/?", text.find("//") + 2), text.size());
  for (auto& [word, placeholder] : words) {
    auto at = result.template_.find(placeholder);
    if (at && *at <= authorityEnd)
      return Problem{*at, "a placeholder may stand in the path and the query only"};
    if (!at && placeholder != Placeholder::key)
      return Problem{text.size(), "expected {" + std::string(word) + "} in the path or the query"};
  }

  std::string sample = result.template_.expand({"1", "1", "1"});
  if (hasDotSegment(sample)) return Problem{authorityEnd + 1, "expected a path without . and .. segments"};
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, sample.c_str(), CURLU_PATH_AS_IS);
  if (code != CURLUE_OK) return Problem{1, std::string("not a URL: ") + curl_url_strerror(code)};
  std::string port = partOf(url.get(), CURLUPART_PORT);
  std::from_chars(port.data(), port.data() + port.size(), result.port_);
  if (result.port_ == 0) return Problem{authorityEnd, "expected a port from 1 to 65535"};
  result.origin_ =
      partOf(url.get(), CURLUPART_SCHEME) + "://" + partOf(url.get(), CURLUPART_HOST) + ":" + port;
  return result;
}

std::optional<std::string> UrlTemplate::expand(const Values& values) const {
  std::string url = template_.expand(values);
  if (hasDotSegment(url)) return std::nullopt;
  return url;
}

}  // namespace smsd::net
