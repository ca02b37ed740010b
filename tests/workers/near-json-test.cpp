// SPDX-License-Identifier: GPL-3.0-or-later
// JSON as gateways write it.
#include "workers/net/near-json.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace smsd::net {
namespace {

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

// One of the two may come from the text of an SMS that the gateway sent back without escaping it.
TEST(NearJson, IsNothingIfItContradictsItself) {
  for (auto text : {
           R"({"status":"error","text":"x","status":"ok","y":"z"})",
           R"({"status":"ok","text":"x","status":"error"})",
           R"({"status":"ok","status":"ok"})",
           R"({"stat\u0075s":"error","status":"ok"})",
           R"([{"messages":[{"id":1,"status":"error","status":"ok"}]}])",
           R"({"a":{"x":1,"x":2},"status":"ok"})",
           "{\"status\":\"error\",\"status\":\"x\",}\n{\"status\":\"ok\"}",
           "{\"status\":\"error\"}\n{\"status\":\"ok\"}",
           "{\"status\":\"error\"}<br>\n{\"status\":\"ok\"}",
           "{\"status\":\"ok\"}<br>\n{\"status\":\"error\"}<br>",
       })
    EXPECT_EQ(read(text), "none") << text;
  using namespace std::string_view_literals;
  EXPECT_EQ(read("{\"status\":\"ok\"}\0{\"status\":\"error\"}"sv), "none");
  EXPECT_EQ(read("{\"status\":\"ok\"}\0\"rest"sv), R"({"status":"ok"})");
  EXPECT_EQ(read(R"({"a\"b:":"\\","c":":{\":","d":""})"), R"({"a\"b:":"\\","c":":{\":","d":""})");
  EXPECT_EQ(read(R"([{"id":1},{"id":1,"to":{"id":1}}])"), R"([{"id":1},{"id":1,"to":{"id":1}}])");
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
