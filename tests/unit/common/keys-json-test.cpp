// SPDX-License-Identifier: GPL-3.0-or-later
// Declared keys as JSON, and what is taken from a program that may print anything.
#include "common/config/keys-json.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/common/keys-settings.h"

namespace smsd::config {
namespace {

std::string printed(const std::vector<KeyHelp>& keys) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& key : keys) list.push_back(asJson(key));
  return list.dump();
}

std::vector<KeyHelp> declaredKeys() {
  Settings settings;
  Keys keys;
  declare(keys, settings);
  keys.example("title", "'a b'");
  keys.choice<Color>("shade", settings.color, {{"dark", Color::red}}, "which shade", Presence::optional,
                     {{"black", Color::green}});
  return keys.explain();
}

TEST(KeysJson, IsReadAsItWasWritten) {
  const auto keys = declaredKeys();
  const auto read = keysFromJson(printed(keys));
  ASSERT_TRUE(read);
  EXPECT_EQ(printed(*read), printed(keys));
  ASSERT_EQ(read->size(), keys.size());
  EXPECT_EQ(read->at(0).example, "'a b'");
  EXPECT_EQ(read->at(4).form.most, 3'600'000);
  EXPECT_EQ(read->back().form.formerWords, std::vector<std::string>{"black"});
}

TEST(KeysJson, RefusesWhatIsNoListOfKeys) {
  const std::string good = R"({"key":"a","form":{"type":"text"}})";
  EXPECT_TRUE(keysFromJson("[" + good + "]"));
  EXPECT_TRUE(keysFromJson("[]"));
  EXPECT_FALSE(keysFromJson("[" + good + "," + good + "]", 1)) << "too many";
  for (const char* bad :
       {"", "{}", "[1]", "[{}]", R"([{"key":"a"}])", R"([{"key":"a","form":{"type":"oops"}}])",
        R"([{"key":"","form":{"type":"text"}}])", R"([{"key":"a b","form":{"type":"text"}}])",
        R"([{"key":"`id`","form":{"type":"text"}}])", R"([{"key":"a","form":[]}])",
        R"([{"key":7,"form":{"type":"text"}}])", "\xff", "[[[[[["})
    EXPECT_FALSE(keysFromJson(bad)) << bad;
}

TEST(KeysJson, TamesWhatItTakes) {
  const auto read = keysFromJson(
      R"([{"key":"a","help":"one\u001b[31m\ntwo","required":"yes","default":7,
           "form":{"type":"choice","least":-1e300,"most":1e300,"words":[1,"x\u0007"],"former_words":{}}}])");
  ASSERT_TRUE(read);
  const KeyHelp& key = read->front();
  EXPECT_EQ(key.help, "one?[31m two");
  EXPECT_FALSE(key.required);
  EXPECT_EQ(key.defaultValue, "");
  EXPECT_EQ(key.form.words, std::vector<std::string>{"x?"});
  EXPECT_LT(key.form.most, 1e15);
  EXPECT_GT(key.form.least, -1e15);
}

}  // namespace
}  // namespace smsd::config
