// SPDX-License-Identifier: GPL-3.0-or-later
// Which charset an answer is in, and JSON as gateways write it.
#include "workers/net/answer-text.h"

#include <gtest/gtest.h>

#include "workers/net/near-json.h"

namespace smsd::net {
namespace {

using namespace std::string_literals;

std::string utf16le(const std::string& ascii) {
  std::string bytes;
  for (char c : ascii) bytes += {c, '\0'};
  return bytes;
}
std::string utf16be(const std::string& ascii) {
  std::string bytes;
  for (char c : ascii) bytes += {'\0', c};
  return bytes;
}

TEST(AnswerText, IsReadInTheCharsetThatTheHeaderNames) {
  EXPECT_EQ(textOf("f\xF8r", "text/plain; charset=ISO-8859-1"), "før");
  EXPECT_EQ(textOf("f\xF8r", "text/plain;charset=\"iso-8859-1\"; x=y"), "før");
  EXPECT_EQ(textOf("f\xF8r \xA4", "text/plain; x=\"a;b\"; Charset=ISO-8859-15"), "før €");
  EXPECT_EQ(textOf("\x80 100", "text/plain; charset=windows-1252"), "€ 100");
  EXPECT_EQ(textOf("før", "text/plain; charset=UTF-8"), "før");
  EXPECT_EQ(textOf(utf16le("OK"), "text/plain; charset=utf-16le"), "OK");
  EXPECT_EQ(textOf(utf16be("OK"), "text/plain; charset=utf-16be"), "OK");
  EXPECT_EQ(textOf(utf16be("OK"), "text/plain; charset=utf-16"), "OK");
  EXPECT_EQ(textOf(utf16le("OK"), "text/plain; charset=utf-16"), "OK") << "without a mark the zeros say it";
}

TEST(AnswerText, IsReadByItsByteOrderMarkWhateverAServerSaysOfEachOfItsScripts) {
  for (auto type : {"", "text/plain; charset=utf-8", "text/plain; charset=ISO-8859-1"}) {
    EXPECT_EQ(textOf("\xEF\xBB\xBF"
                     "før",
                     type),
              "før")
        << type;
    EXPECT_EQ(textOf("\xFF\xFE" + utf16le("OK"), type), "OK") << type;
    EXPECT_EQ(textOf("\xFE\xFF" + utf16be("OK"), type), "OK") << type;
  }
  EXPECT_EQ(textOf("\xFF\xFE" + "\x3D\xD8\x00\xDE"s, ""), "😀");
  EXPECT_EQ(textOf("\xFF\xFE" + "\x3D\xD8O\0"s, ""), "\uFFFDO") << "half a pair";
  EXPECT_EQ(textOf("\xFF\xFE" + "O\0K"s, ""), "O\uFFFD") << "half a unit";
}

TEST(AnswerText, IsGuessedWhereNothingIsSaidOrTheBytesContradictIt) {
  for (auto type : {"", "application/json", "text/plain; charset=utf-8", "text/plain; charset=klingon",
                    "text/plain; charset=us-ascii", "text/plain; charset", "text/plain; charset=\"utf-8"}) {
    EXPECT_EQ(textOf("FEHLER: ung\xFCltige Nummer", type), "FEHLER: ungültige Nummer") << type;
    EXPECT_EQ(textOf(utf16le("{\"a\":1}"), type), "{\"a\":1}") << type;
    EXPECT_EQ(textOf("OK", type), "OK") << type;
  }
  EXPECT_EQ(textOf("ungültig", ""), "ungültig");
  EXPECT_EQ(textOf("OK", "text/plain; charset=utf-16"), "OK") << "no zero byte is in it";
  EXPECT_EQ(textOf("ungültig \xC3", "text/plain; charset=utf-8"), "ungültig \uFFFD") << "cut by somebody";
  EXPECT_EQ(textOf("", "text/plain; charset=utf-16"), "");
  EXPECT_EQ(textOf("\xEF\xBB\xBF", ""), "");
}

TEST(AnswerText, OfXmlIsReadAsItsDeclarationSays) {
  EXPECT_EQ(textOf("<?xml version=\"1.0\" encoding='ISO-8859-15'?><a>\xA4</a>", "text/xml"),
            "<?xml version=\"1.0\" encoding='ISO-8859-15'?><a>€</a>");
  EXPECT_EQ(textOf("<?xml encoding=\"ISO-8859-15\"?><a>\xA4</a>", "text/xml; charset=windows-1252"),
            "<?xml encoding=\"ISO-8859-15\"?><a>¤</a>")
      << "the header is nearer";
  EXPECT_EQ(textOf("<?xml encoding=?><a>\xA4</a>", ""), "<?xml encoding=?><a>¤</a>");
}

std::string read(std::string_view text) {
  auto json = readJson(text);
  return json.is_discarded() ? "none" : json.dump();
}

TEST(NearJson, IsReadAsItWasMeant) {
  const std::pair<const char*, const char*> rows[] = {
      {R"({"status":"ok","id":7})", R"({"id":7,"status":"ok"})"},
      {"{\"text\":\"one\ntwo\tthree\",\"status\":\"ok\"}", R"({"status":"ok","text":"one\ntwo\tthree"})"},
      {R"({"message":"interface "uplink" is down","report":[{"0":[{"result":"success"}]}]})",
       R"({"message":"interface \"uplink\" is down","report":[{"0":[{"result":"success"}]}]})"},
      {R"({"message":""quoted"","a":1})", R"({"a":1,"message":"\"quoted\""})"},
      {R"({"a":"say "x", "y" now","b":"say "}" now"})",
       R"({"a":"say \"x\", \"y\" now","b":"say \"}\" now"})"},
      {R"({"cost":NaN,"left":-Infinity,"x":undefined,"status":"ok"})",
       R"({"cost":null,"left":null,"status":"ok","x":null})"},
      {"<br />\n<b>Notice</b>: Undefined index: to in /srv/[x]/send.php on line 3<br />\n{\"status\":\"ok\"}",
       R"({"status":"ok"})"},
      {"{\"status\":\"ok\"}\n<br />\nDeprecated: [7]", R"({"status":"ok"})"},
      {R"({"list":[1,2,],"status":"ok",})", R"({"list":[1,2],"status":"ok"})"},
      {R"({'status': 'ok', 'done': True, 'id': None})", R"({"done":true,"id":null,"status":"ok"})"},
      {R"({"status": ok, "id": 0047, "n": 1e999})", R"({"id":"0047","n":"1e999","status":"ok"})"},
      {R"(callback({"status":"ok",});)", R"({"status":"ok"})"},
      {R"({"id":,"status":"ok"})", R"({"id":null,"status":"ok"})"},
      {R"({"half":"\ud83d","whole":"\ud83d\ude00","path":"C:\srv","u":"\u00zz"})",
       R"({"half":"�","path":"C:\\srv","u":"\\u00zz","whole":"😀"})"},
  };
  for (auto& [text, meant] : rows) EXPECT_EQ(read(text), meant) << text;
}

TEST(NearJson, IsNothingWhereMoreThanOneReadingIsPossibleOrNone) {
  for (auto text : {
           "",
           "OK",
           "OK {",
           "{",
           "[",
           "{\"a\"",
           "{\"a\":\"b",
           "{\"a\":\"b\"",
           "{\"a\":[1}",
           "{a b}",
           "[1 2]",
           "{\"a\":\"\\",
           // The text of an SMS that was sent back, and would say yes in the gateway's place.
           R"({"text":"x","result":"success","y":"z "q" ","result":"failed"})",
           "[\n  {\"status\":\"ok\"}",
           "{\"error\":{\"status\":\"ok\"}",
           "{status:ok}",
           "<html>{margin:0}<body>please log in</body></html>{",
           "{\"status\":\"ok\"} and more",
           "[0]<br>",
       })
    EXPECT_EQ(read(text), "none") << text;
}

TEST(NearJson, IsBoundedWhateverItHolds) {
  constexpr std::size_t most = 64 << 10;
  for (std::string part :
       {"[", "{\"a\":", "{", "\"", "\",", "{\"a\":\"\",", "\\", "{'", "[\"],", "{\"\":\"\" \""}) {
    std::string text = "{\"a\":\"";
    while (text.size() < most) text += part;
    (void)readJson(text);
    (void)readJson(text.substr(6));
  }
}

}  // namespace
}  // namespace smsd::net
