// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/template.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

namespace smsd::net {
namespace {

UrlTemplate good(std::string_view url) {
  auto parsed = UrlTemplate::parse(url);
  if (auto problem = std::get_if<TemplateProblem>(&parsed))
    ADD_FAILURE() << url << ": " << describe(*problem);
  return std::get<UrlTemplate>(std::move(parsed));
}

TemplateProblem bad(std::string_view url) {
  auto parsed = UrlTemplate::parse(url);
  if (auto problem = std::get_if<TemplateProblem>(&parsed)) return *problem;
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
    EXPECT_EQ(decoded(escaped(text, Place::url)), text) << "byte " << byte;
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
  EXPECT_EQ(good("https://gw.example/secret/{text}?password=secret&to={recipient}").origin(),
            "https://gw.example:443");
  EXPECT_EQ(good("http://gw/?{text}{recipient}").origin(), "http://gw:80");
  EXPECT_EQ(good("http://[::1]:8080?{text}{recipient}").origin(), "http://[::1]:8080");
  EXPECT_EQ(good("http://10.0.0.1:13013/?{text}{recipient}").port(), 13013);
  EXPECT_EQ(good(gateway).port(), 443);
}

TEST(Template, SaysWhereAUrlCannotBeUsed) {
  const std::tuple<const char*, std::size_t, const char*> rows[] = {
      {"http://gw/?to={recipient}&m={texxt}", 29,
       "{texxt} is not a placeholder, expected one of {recipient}, "},
      {"http://gw/?k={api_key}&to={recipient}&m={text}", 14, "{api_key} is not a placeholder"},
      {"http://gw/?to={recipient}&m={text", 29, "not a placeholder"},
      {"http://gw/?to={recipient}&m=text}", 33, "not a placeholder"},
      {"http://gw/?to={recipient}&m={}", 29, "not a placeholder"},
      {"", 1, "http:// or https://"},
      {"gw/?to={recipient}&m={text}", 1, "http:// or https://"},
      {"ftp://gw/?to={recipient}&m={text}", 1, "http:// or https://"},
      {"{text}://gw/?to={recipient}&m={text}", 1, "http:// or https://"},
      {"http://{recipient}/?m={text}", 8, "path and the query"},
      {"http://{recipient}@gw/?m={text}", 8, "`auth` with username and password_file"},
      {"https://me:secret@gw/?to={recipient}&m={text}", 9, "`auth` with username and password_file"},
      {"http://me@gw?to={recipient}&m={text}", 8, "`auth` with username and password_file"},
      {"http://gw:{key}/?to={recipient}&m={text}", 11, "path and the query"},
      {"http:///?to={recipient}&m={text}", 8, "expected a host"},
      {"http:///{recipient}/?m={text}", 8, "expected a host"},
      {"https:////{recipient}/?m={text}", 9, "expected a host"},
      {"http://:8080/?to={recipient}&m={text}", 1, "not a URL"},
      {"http://gw:99999/?to={recipient}&m={text}", 1, "not a URL"},
      {"http://gw/?to=%(phone)s&m={text}", 15, "NAV's placeholder"},
      {"http://gw/?x=100%&to={recipient}&m={text}", 17, "%25"},
      {"http://gw/a b?to={recipient}&m={text}", 12,
       "expected it as %20; where the line ends in the file, the "},
      {"http://gw/?to={recipient}&m={text}\nmethod: POST", 35, "quotation mark at its end is missing"},
      {"http://gw/\"b?to={recipient}&m={text}", 11, "%XX"},
      {"http://gw/bl\xC3\xA5?to={recipient}&m={text}", 13, "%XX"},
      {"http://gw/?to={recipient}&m={text}#x", 35, "fragment"},
      {"http://gw/a/../b?to={recipient}&m={text}", 10, "segments"},
      {"http://gw/%2e%2e/b?to={recipient}&m={text}", 10, "segments"}};
  for (auto& [url, at, words] : rows) {
    TemplateProblem problem = bad(url);
    EXPECT_EQ(problem.at, at) << url;
    EXPECT_NE(problem.what.find(words), std::string::npos) << url << ": " << problem.what;
  }
}

TEST(Template, NeverQuotesAUrlThatMayHoldAPassword) {
  for (auto url : {"http://me:hunter2@gw/{hunter2}", "hunter2://gw/{text}{recipient}",
                   "http://gw/hunter2 ?{text}{recipient}", "http://hunter2:99999/{text}{recipient}",
                   "http://hunter2{text}/{recipient}", "http://gw/?p={Hunter}&{text}{recipient}",
                   "http://gw/?p={hunter-two}&{text}{recipient}"}) {
    EXPECT_EQ(describe(bad(url)).find("Hunter"), std::string::npos);
    EXPECT_EQ(describe(bad(url)).find("hunter-"), std::string::npos);
    EXPECT_EQ(describe(bad(url)).find("hunter2"), std::string::npos);
  }
}

// The texts of every place: all that is printable, what ends strings, elements and headers, and beyond ASCII.
std::vector<std::string> awkwardTexts() {
  std::vector<std::string> texts = {
      "\"quoted\" 'text'",     "two\r\nlines",           "100% %20 %(phone)s",   "a&to=+1#x;y",
      "\xF0\x9F\x94\xA5 fire", "</sms>]]>&amp;",         "{recipient} {secret}", "bl\xC3\xA5",
      "\\\\\"\\u0041\\",       "x\r\nBcc: a@b\r\n\r\n.", " both ends ",          "\tt\xE2\x80\xA8u"};
  std::string all;
  for (char c = ' '; c <= '~'; ++c) all += c;
  texts.push_back(all);
  return texts;
}

Template goodIn(Place place, std::string_view text, const Constants& constants = {}) {
  auto parsed = Template::parse(text, place, constants);
  if (auto problem = std::get_if<TemplateProblem>(&parsed))
    ADD_FAILURE() << text << ": " << describe(*problem);
  return std::get<Template>(std::move(parsed));
}

BodyTemplate goodBody(BodyType type, std::string_view text, const Constants& constants = {}) {
  auto parsed = BodyTemplate::parse(text, type, constants);
  if (auto problem = std::get_if<TemplateProblem>(&parsed))
    ADD_FAILURE() << text << ": " << describe(*problem);
  return std::get<BodyTemplate>(std::move(parsed));
}

TemplateProblem badBody(BodyType type, std::string_view text) {
  auto parsed = BodyTemplate::parse(text, type);
  if (auto problem = std::get_if<TemplateProblem>(&parsed)) return *problem;
  ADD_FAILURE() << text << " was taken";
  return {};
}

TEST(BodyTemplate, BringsEveryTextThroughJsonUnharmed) {
  auto body =
      goodBody(BodyType::json, R"({"messages": [{"to": ["{recipient}"], "text": "<{text}>", "o": {}}]})");
  for (auto& text : awkwardTexts()) {
    auto document = nlohmann::json::parse(body.expand({"+4799999999", text, "k"}));
    EXPECT_EQ(document["messages"][0]["text"].get<std::string>(), "<" + text + ">");
    EXPECT_EQ(document["messages"][0]["to"][0].get<std::string>(), "+4799999999");
    EXPECT_EQ(document.size(), 1U);
  }
}

TEST(BodyTemplate, BringsEveryTextThroughXmlUnharmed) {
  auto body = goodBody(BodyType::xml, "<sms to=\"{recipient}\" t='{text}'><text>{text}</text></sms>");
  for (auto& text : awkwardTexts()) {
    std::string filled = body.expand({"+4799999999", text, "k"});
    pugi::xml_document document;
    ASSERT_TRUE(document.load_buffer(filled.data(), filled.size(),
                                     pugi::parse_default | pugi::parse_ws_pcdata, pugi::encoding_utf8))
        << filled;
    auto sms = document.child("sms");
    EXPECT_EQ(std::string(sms.attribute("t").value()), text);
    EXPECT_EQ(std::string(sms.child("text").text().get()), text);
    EXPECT_EQ(std::string(sms.attribute("to").value()), "+4799999999");
    EXPECT_EQ(std::distance(sms.begin(), sms.end()), 1);
  }
}

TEST(BodyTemplate, WritesNoCharacterThatXmlDoesNotHave) {
  auto body = goodBody(BodyType::xml, "<t a='{recipient}'>{text}</t>");
  std::string filled = body.expand({"1", "a\x01\x1F\xEF\xBF\xBF\x7F", ""});
  EXPECT_EQ(filled, "<t a='1'>a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x7F</t>");
}

TEST(BodyTemplate, BringsEveryTextThroughAFormUnharmed) {
  auto body = goodBody(BodyType::form, "To={recipient}&Body={text}&x=a%20b");
  for (auto& text : awkwardTexts()) {
    std::string filled = body.expand({"+47", text, "k"});
    EXPECT_TRUE(filled.starts_with("To=%2B47&Body=")) << filled;
    EXPECT_TRUE(filled.ends_with("&x=a%20b")) << filled;
    EXPECT_EQ(decoded(filled.substr(14, filled.size() - 22)), text);
  }
}

TEST(Template, BringsEveryTextThroughAHeaderOnOneLine) {
  auto header = goodIn(Place::header, "{text}");
  for (auto& text : awkwardTexts()) {
    std::string value = header.expand({"1", text, ""});
    for (char c : value) EXPECT_TRUE(c >= ' ' && c <= '~') << int(c);
    EXPECT_FALSE(value.starts_with(' ') || value.ends_with(' '));
    std::string back;
    for (std::size_t i = 0; i < value.size(); ++i) {
      bool isEscape = value[i] == '%';
      back += isEscape ? static_cast<char>(std::stoi(value.substr(i + 1, 2), nullptr, 16)) : value[i];
      if (isEscape) i += 2;
    }
    EXPECT_EQ(back, text);
  }
  EXPECT_EQ(goodIn(Place::header, "to {recipient}").expand({"+4799", "", ""}), "to +4799");
}

TEST(Template, GivesTheDigitsOfANumber) {
  EXPECT_EQ(goodIn(Place::json, "{digits}").expand({"+47 999-99(9)", "", ""}), "47999999");
  EXPECT_EQ(digitsOf("+47 999.99/(9)-\t\xC2\xA0"
                     "9"),
            "479999999");
  EXPECT_EQ(digitsOf("4712"), "4712");
}

TEST(Template, MakesNoOtherNumberOfWhatIsNone) {
  for (auto recipient : {"+4799o99999", "ring 4712", "abc", "", "+", " ", "4712;4713", "4712,4713", "4799\"&",
                         "\xD9\xA1\xD9\xA2", "47\xC2", "47\xA0", "47\n12", "47_12", "#4712", "*4712"}) {
    EXPECT_EQ(digitsOf(recipient), std::nullopt) << recipient;
    EXPECT_EQ(goodIn(Place::url, "{digits}").expand({recipient, "", ""}), "") << recipient;
  }
}

TEST(Template, PutsSecretsInEscapedForTheirPlace) {
  Constants constants = {{"token", config::Secret("a&b\"c<d e")}};
  EXPECT_EQ(goodIn(Place::url, "x={token}&m={text}", constants).expand({"", "t", ""}),
            "x=a%26b%22c%3Cd%20e&m=t");
  EXPECT_EQ(goodIn(Place::json, "\"{token}\"", constants).expand({}), "\"a&b\\\"c<d e\"");
  EXPECT_EQ(goodIn(Place::xml, "<a>{token}</a>", constants).expand({}), "<a>a&amp;b&quot;c&lt;d e</a>");
  EXPECT_EQ(goodIn(Place::header, "App {token}", constants).expand({}), "App a&b\"c<d e") << "as it is";
}

TEST(Template, MeansNoSecretWithoutAName) {
  const Constants constants = {{"", config::Secret("17")}};  // as a file has it whose `name` is missing
  for (auto [text, at] : {std::pair("a}b", 2U), {"}", 1U}, {"{}", 1U}, {"a{", 2U}})
    for (Place place : {Place::mail, Place::header, Place::url, Place::form}) {
      const auto parsed = Template::parse(text, place, constants);
      ASSERT_TRUE(std::holds_alternative<TemplateProblem>(parsed)) << text;
      EXPECT_EQ(std::get<TemplateProblem>(parsed).at, at) << text;
    }
  EXPECT_EQ(goodIn(Place::json, "{}", constants).expand({}), "{}");
}

TEST(Template, TakesNoSecretThatWouldEndAHeader) {
  auto parsed = parseHeaderValue("App {token}", {{"token", config::Secret("hunter2\r\nX: y")}});
  auto* problem = std::get_if<TemplateProblem>(&parsed);
  ASSERT_NE(problem, nullptr);
  EXPECT_EQ(problem->at, 5U);
  EXPECT_EQ(describe(*problem).find("hunter2"), std::string::npos);
  EXPECT_TRUE(std::holds_alternative<TemplateProblem>(parseHeaderValue("a\r\nX: y")));
}

TEST(BodyTemplate, SaysWhereABodyCannotBeUsed) {
  const std::tuple<BodyType, const char*, const char*> rows[] = {
      {BodyType::json, R"({"to": {recipient}, "m": "{text}"})", "within strings"},
      {BodyType::json, R"({"to": "{recipient}", "m": "{text}")", "not JSON"},
      {BodyType::json, R"({"to": "{recipient}", "m": "{texxt}"})", "not a placeholder"},
      {BodyType::json, R"({"{text": "{recipient}"})", ""},
      {BodyType::json, R"({"{text}": "{recipient}"})", ""},
      {BodyType::json, R"({"to": [{digits}], "m": "{text}"})", "within strings"},
      {BodyType::json, R"({"to": 1{digits}, "m": "{text}"})", "within strings"},
      {BodyType::json, R"({"to": "{recipient}", "m": "\{text}"})", "within strings"},
      {BodyType::json, R"({"to": "{recipient}", "m": "\\{text}"})", ""},
      {BodyType::xml, "<{text}>x</{text}>", "not XML"},
      {BodyType::xml, "<a><!-- {text} --></a>", "character data"},
      {BodyType::xml, "<a><![CDATA[{text}]]></a>", "character data"},
      {BodyType::xml, "<a {text}='1'/>", "not XML"},
      {BodyType::xml, "<?pi {text}?><a/>", "character data"},
      {BodyType::xml, "<!DOCTYPE a [<!ENTITY e '{text}'>]><a/>", "document type"},
      {BodyType::xml, "<a>{text}", "not XML"},
      {BodyType::xml, "<a{digits}>x</a{digits}>", "not XML"},
      {BodyType::xml, "<a>&{text};</a>", "begins no &amp;"},
      {BodyType::xml, "<a b='&#{digits};'/>", "begins no &amp;"},
      {BodyType::xml, "<a>black & {text}</a>", "begins no &amp;"},
      {BodyType::xml, "<a>&nbsp;{text}</a>", "begins no &amp;"},
      {BodyType::xml, "<a>&amp;&#10;&#x41;{text}<!-- a & b --><![CDATA[a & b]]></a>", ""},
      {BodyType::xml, "{text}", "not XML"},
      {BodyType::xml, "<a>{text}</a", "not XML: "},
      {BodyType::form, R"({"to": "{recipient}", "m": "{text}"})", "`body_type: json`"},
      {BodyType::form, R"( ["{recipient}", "{text}"])", "`body_type: json`"},
      {BodyType::form, "\n<sms to='{recipient}'>{text}</sms>", "`body_type: xml`"},
      {BodyType::form, R"({recipient}="{text}")", "does not belong in a form"},
      {BodyType::form, "to={recipient}&m={text}\n", "does not belong in a form"},
      {BodyType::form, "to=%{digits}&m={text}", "hexadecimal"},
      {BodyType::form, "to=%2{recipient}&m={text}", "hexadecimal"},
      {BodyType::form, "to={recipient}&m=100%", "hexadecimal"},
      {BodyType::form, "to={recipient}&m={txt}", "not a placeholder"}};
  for (auto& [type, text, words] : rows) {
    if (*words == '\0') {
      EXPECT_TRUE(std::holds_alternative<BodyTemplate>(BodyTemplate::parse(text, type)));
      continue;
    }
    TemplateProblem problem = badBody(type, text);
    EXPECT_NE(problem.what.find(words), std::string::npos) << text << ": " << problem.what;
  }
}

// What is wrong without the placeholders is not the placeholders' fault.
TEST(BodyTemplate, SaysWhereJsonOrXmlEndsToBeSuch) {
  const std::tuple<BodyType, std::string, std::size_t, const char*> rows[] = {
      {BodyType::json, R"({"to": "{recipient}", "m": "{text}",})", 37, "not JSON from here on"},
      {BodyType::json, R"({"to": "{recipient}" "m": "{text}"})", 24, "not JSON from here on"},
      {BodyType::json, R"({"to": "{recipient}", "m": "{text}"}})", 37, "not JSON from here on"},
      {BodyType::json, R"({"to": "{recipient}", "m": "{text}")", 35, "not JSON: it ends before it is whole"},
      {BodyType::json, R"({"to": {recipient}, "m": "{text}"})", 1, "within strings only"},
      {BodyType::json, R"({"to": {recipient}, "m": "{text}",})", 35, "not JSON from here on"},
      {BodyType::json, R"({"to": "{recipient}", "m": "\{text}"})", 1, "within strings only"},
      {BodyType::json, R"({"to": "{recipient}", "m": "{text}", "n": 99e999})", 48, "a number larger than"},
      {BodyType::json, R"({"n": -1e400, "to": "{recipient}", "m": "{text}"})", 12, "a number larger than"},
      {BodyType::json, R"({"n": 1e{recipient}, "to": "{recipient}", "m": "{text}"})", 1,
       "within strings only"},
      {BodyType::xml, "<a to='{recipient}'><b>{text}</a></b>", 32, "not XML: "},
      {BodyType::xml, "<a to='{recipient}'>{text} & {text}</a>", 28, "begins no &amp;"},
      {BodyType::xml, "<a to='{recipient}'><!-- & -->\n&{digits};</a>", 32, "begins no &amp;"},
      {BodyType::xml, "<{text}>{recipient}</{text}>", 1, "once the placeholders have values"}};
  for (auto& [type, text, at, words] : rows) {
    TemplateProblem problem = badBody(type, text);
    EXPECT_EQ(problem.at, at) << text << ": " << problem.what;
    EXPECT_NE(problem.what.find(words), std::string::npos) << text << ": " << problem.what;
    EXPECT_EQ(problem.what.find("{text}"), std::string::npos) << problem.what;
  }
}

TEST(BodyTemplate, TakesASecretWhereATextMayStandAndNowhereElse) {
  Constants constants = {{"token", config::Secret("17")}};
  EXPECT_TRUE(std::holds_alternative<BodyTemplate>(
      BodyTemplate::parse(R"({"k": "{token}", "m": "{text}"})", BodyType::json, constants)));
  EXPECT_TRUE(std::holds_alternative<TemplateProblem>(
      BodyTemplate::parse(R"({"k": {token}, "m": "{text}"})", BodyType::json, constants)))
      << "whether it is JSON must not depend on what is in a file";
  EXPECT_TRUE(std::holds_alternative<TemplateProblem>(
      BodyTemplate::parse("<a{token}>{text}</a{token}>", BodyType::xml, constants)));
}

}  // namespace
}  // namespace smsd::net
