#include "workers/net/template.h"

#include <gtest/gtest.h>

namespace smsd::net {
namespace {

UrlTemplate good(std::string_view url) {
  auto parsed = UrlTemplate::parse(url);
  if (auto problem = std::get_if<Problem>(&parsed)) ADD_FAILURE() << url << ": " << describe(*problem);
  return std::get<UrlTemplate>(std::move(parsed));
}

Problem bad(std::string_view url) {
  auto parsed = UrlTemplate::parse(url);
  if (auto problem = std::get_if<Problem>(&parsed)) return *problem;
  ADD_FAILURE() << url << " was taken";
  return {};
}

// What a server makes of it: an independent decoder, the strictest there is.
std::string decoded(std::string_view query) {
  std::string result;
  for (std::size_t i = 0; i < query.size(); ++i) {
    if (query[i] == '%') {
      result += static_cast<char>(std::stoi(std::string(query.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      EXPECT_NE(query[i], '+') << "a + in a query is a space";
      EXPECT_EQ(std::string_view(" \"<>\\^`{|}&#;=?/").find(query[i]), std::string_view::npos);
      result += query[i];
    }
  }
  return result;
}

constexpr const char* gateway = "https://gw.example/send?to={recipient}&m={text}";

TEST(Template, PutsTheNumberAndTheTextWhereTheyStand) {
  EXPECT_EQ(good(gateway).expand({"99999999", "hello", "k-1"}),
            "https://gw.example/send?to=99999999&m=hello");
  EXPECT_EQ(good("http://gw/{recipient}/{key}?{text}&{text}").expand({"1", "2", "3"}), "http://gw/1/3?2&2");
}

TEST(Template, EscapesTheSignOfAnInternationalNumberC63) {
  EXPECT_EQ(good(gateway).expand({"+4799999999", "x", ""}), "https://gw.example/send?to=%2B4799999999&m=x");
}

TEST(Template, LeavesWhatTheOperatorEscapedC65) {
  EXPECT_EQ(good("http://gw/a%20b?from=smsd%20x%2b&to={recipient}&m={text}").expand({"1", "2", ""}),
            "http://gw/a%20b?from=smsd%20x%2b&to=1&m=2");
}

TEST(Template, BringsEveryPrintableCharacterThroughUnharmed) {
  for (char c = ' '; c <= '~'; ++c) {
    std::string text = std::string("a") + c + "b";
    std::string url = *good(gateway).expand({"1", text, ""});
    EXPECT_EQ(decoded(url.substr(url.find("&m=") + 3)), text) << "character " << int(c);
  }
}

TEST(Template, BringsEveryByteThroughUnharmed) {
  for (int byte = 1; byte < 256; ++byte) {
    std::string text(1, static_cast<char>(byte));
    EXPECT_EQ(decoded(percentEscape(text)), text) << "byte " << byte;
  }
}

TEST(Template, BringsAwkwardTextsThroughUnharmed) {
  for (std::string text :
       {"\"quoted\" 'text'", "two\r\nlines", "100%", "%20", "%(phone)s", "a&to=+1#x", "1 + 1 = 2",
        "\xF0\x9F\x94\xA5 fire", "</sms>", "{recipient}", "blåbær", "/../..", "a\\b", "?x=y;z"}) {
    std::string url = *good(gateway).expand({"1", text, ""});
    EXPECT_EQ(decoded(url.substr(url.find("&m=") + 3)), text);
  }
}

TEST(Template, DoesNotExpandWhatAValueHolds) {
  EXPECT_EQ(good(gateway).expand({"{text}", "{key}", "secret"}),
            "https://gw.example/send?to=%7Btext%7D&m=%7Bkey%7D");
}

TEST(Template, RefusesAValueThatWouldClimbOutOfThePath) {
  auto url = good("http://gw/send/{text}?to={recipient}");
  for (auto text : {"..", ".", "../admin", "a/../../admin", "..\\admin"})
    EXPECT_EQ(url.expand({"1", text, ""}), std::nullopt) << text;
  for (auto text : {"...", "a..b", "..a", "a/b", "1.5"})
    EXPECT_NE(url.expand({"1", text, ""}), std::nullopt) << text;
  EXPECT_EQ(good("http://gw/.{text}/?to={recipient}").expand({"1", ".", ""}), std::nullopt);
  EXPECT_NE(good(gateway).expand({"..", "..", ""}), std::nullopt) << "a query has no segments";
}

TEST(Template, ShowsNoMoreOfItsUrlThanSchemeHostAndPort) {
  EXPECT_EQ(good("https://me:secret@gw.example/secret/{text}?password=secret&to={recipient}").origin(),
            "https://gw.example:443");
  EXPECT_EQ(good("http://gw/?{text}{recipient}").origin(), "http://gw:80");
  EXPECT_EQ(good("http://[::1]:8080?{text}{recipient}").origin(), "http://[::1]:8080");
  EXPECT_EQ(good("http://10.0.0.1:13013/?{text}{recipient}").port(), 13013);
  EXPECT_EQ(good(gateway).port(), 443);
}

TEST(Template, SaysWhereAUrlCannotBeUsed) {
  const std::tuple<const char*, std::size_t, const char*> rows[] = {
      {"http://gw/?to={recipient}&m={texxt}", 29, "not a placeholder"},
      {"http://gw/?to={recipient}&m={text", 29, "not a placeholder"},
      {"http://gw/?to={recipient}&m=text}", 33, "not a placeholder"},
      {"http://gw/?to={recipient}&m={}", 29, "not a placeholder"},
      {"http://gw/?to={recipient}", 25, "expected {text}"},
      {"http://gw/?m={text}", 19, "expected {recipient}"},
      {"", 1, "http:// or https://"},
      {"gw/?to={recipient}&m={text}", 1, "http:// or https://"},
      {"ftp://gw/?to={recipient}&m={text}", 1, "http:// or https://"},
      {"{text}://gw/?to={recipient}&m={text}", 1, "http:// or https://"},
      {"http://{recipient}/?m={text}", 8, "path and the query"},
      {"http://{recipient}@gw/?m={text}", 8, "path and the query"},
      {"http://gw:{key}/?to={recipient}&m={text}", 11, "path and the query"},
      {"http:///?to={recipient}&m={text}", 1, "not a URL"},
      {"http://gw:99999/?to={recipient}&m={text}", 1, "not a URL"},
      {"http://gw/?to=%(phone)s&m={text}", 15, "NAV's placeholder"},
      {"http://gw/?x=100%&to={recipient}&m={text}", 17, "%25"},
      {"http://gw/a b?to={recipient}&m={text}", 12, "%XX"},
      {"http://gw/bl\xC3\xA5?to={recipient}&m={text}", 13, "%XX"},
      {"http://gw/?to={recipient}&m={text}#x", 35, "fragment"},
      {"http://gw/a/../b?to={recipient}&m={text}", 10, "segments"},
      {"http://gw/%2e%2e/b?to={recipient}&m={text}", 10, "segments"}};
  for (auto& [url, at, words] : rows) {
    Problem problem = bad(url);
    EXPECT_EQ(problem.at, at) << url;
    EXPECT_NE(problem.what.find(words), std::string::npos) << url << ": " << problem.what;
  }
}

TEST(Template, NeverQuotesAUrlThatMayHoldAPassword) {
  for (auto url : {"http://me:hunter2@gw/{hunter2}", "hunter2://gw/{text}{recipient}",
                   "http://gw/hunter2 ?{text}{recipient}", "http://hunter2:99999/{text}{recipient}",
                   "http://hunter2{text}/{recipient}"})
    EXPECT_EQ(describe(bad(url)).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace smsd::net
