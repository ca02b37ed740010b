// SPDX-License-Identifier: GPL-3.0-or-later
// The JSON Schema of a file; tests/unit/schemas validates files with it.
#include "supervisor/smsctl/config-keys/key-schema.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>

#include "supervisor/config/config.h"
#include "tests/unit/common/keys-settings.h"

namespace smsd::smsctl {
namespace {

using Json = nlohmann::ordered_json;

Json settingsSchema() {
  config::Settings settings;
  config::Keys keys;
  config::declare(keys, settings);
  return schemaOf(KeyFile{.kind = "pager", .keys = keys.explain()});
}

TEST(KeySchema, MatchesTheNumbersWithinItsBoundsAndNoOthers) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const int digits = 1 + static_cast<int>(random() % 4), scale = digits == 1   ? 10
                                                                   : digits == 2 ? 100
                                                                                 : 3000;
    const auto one = static_cast<std::int64_t>(random() % scale),
               other = static_cast<std::int64_t>(random() % scale);
    const std::int64_t least = std::min(one, other), most = std::max(one, other);
    const std::regex expression(numbersBetween(least, most));
    for (std::int64_t n = 0; n <= 3100; n += n < least + 12 || n > most - 12 ? 1 : 7)
      ASSERT_EQ(std::regex_match(std::to_string(n), expression), n >= least && n <= most)
          << n << " in " << least << ".." << most << ": " << numbersBetween(least, most);
  }
  EXPECT_TRUE(std::regex_match("0030", std::regex(numbersBetween(1, 30))));
  EXPECT_TRUE(std::regex_match("315360000000", std::regex(numbersBetween(3600000, 315360000000))));
  EXPECT_FALSE(std::regex_match("315360000001", std::regex(numbersBetween(3600000, 315360000000))));
}

TEST(KeySchema, MatchesEachDurationThatTheReaderTakesAndNoOther) {
  const auto schema = settingsSchema();
  const std::regex expression(
      schema["properties"]["deep"]["properties"]["expiry"]["pattern"].get<std::string>());
  const auto accepted = [](const std::string& word) {
    return config::problemsOf("deep: {expiry: " + word + "}").empty();
  };
  std::size_t matched = 0;
  for (const char* unit : {"", "ms", "s", "m", "h", "d", "w"})
    for (const int count :
         {0, 1, 2, 9, 10, 59, 60, 61, 999, 1000, 1001, 3599, 3600, 3601, 3600000, 3600001}) {
      const std::string word = std::to_string(count) + unit;
      EXPECT_EQ(std::regex_match(word, expression), accepted(word)) << word;
      matched += std::regex_match(word, expression);
    }
  EXPECT_GT(matched, 15u);
  EXPECT_TRUE(std::regex_match("never", expression));
  EXPECT_FALSE(std::regex_match("always", expression));
}

TEST(KeySchema, HasTypesBoundsWordsAndDefaults) {
  const auto schema = settingsSchema();
  const Json& keys = schema["properties"];
  EXPECT_EQ(schema["title"], "the file of a dispatcher of kind pager");
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_FALSE(schema.contains("required"));
  EXPECT_EQ(
      keys["count"].dump(),
      R"-({"description":"how many (integer 1..8)","type":"integer","minimum":1,"maximum":8,"default":3})-");
  EXPECT_EQ(keys["deep"]["properties"]["factor"]["maximum"], 10.0);
  EXPECT_EQ(keys["deep"]["properties"]["loud"].dump(),
            R"-({"description":"whether (true or false)","type":"boolean","default":false})-");
  EXPECT_EQ(keys["deep"]["type"], Json::array({"object", "null"}));
  EXPECT_EQ(keys["color"]["enum"], Json::array({"red", "green"}));
  EXPECT_EQ(keys["elements"]["items"]["required"], Json::array({"name"}));
  EXPECT_EQ(keys["elements"]["items"]["type"], "object");
}

TEST(KeySchema, RequiresASectionWithARequiredKey) {
  std::string user;
  config::Keys keys;
  keys.text("account.user", user, "who", config::Presence::required);
  const auto schema = schemaOf(KeyFile{.kind = "pager", .keys = keys.explain()});
  EXPECT_EQ(schema["required"], Json::array({"account"}));
  EXPECT_EQ(schema["properties"]["account"]["type"], "object");
}

TEST(KeySchema, KnowsTheNamesOfDispatchersAndTheWordsOfALock) {
  const auto schema = schemaOf(KeyFile{.kind = "", .keys = config::explainConfig()});
  const auto& list = schema["properties"]["dispatchers"];
  EXPECT_EQ(list["minItems"], 1);
  const auto& entry = list["items"]["properties"];
  const std::regex name(entry["name"]["pattern"].get<std::string>());
  for (const char* good : {"gateway", "a", "9-b", "a23456789012345678901234567890b"})
    EXPECT_TRUE(std::regex_match(good, name)) << good;
  for (const char* bad : {"", "-a", "Gateway", "a b", "a_b", "a234567890123456789012345678901b"})
    EXPECT_FALSE(std::regex_match(bad, name)) << bad;
  const std::regex any(entry["require_lock"]["items"]["pattern"].get<std::string>());
  EXPECT_TRUE(std::regex_match("my_lock:3", any));
  EXPECT_FALSE(std::regex_match("landlock:", any));
  EXPECT_FALSE(std::regex_match("Land lock", any));
  const auto& known = list["items"]["then"]["properties"]["require_lock"]["items"]["pattern"];
  const std::regex word(known.get<std::string>());
  for (const char* good : {"landlock", "landlock:6", "landlock:1000", "seccomp", "rlimits", "no_new_privs"})
    EXPECT_TRUE(std::regex_match(good, word)) << good;
  for (const char* bad : {"landlok", "landlock:0", "landlock:1001", "seccomp:2", ""})
    EXPECT_FALSE(std::regex_match(bad, word)) << bad;
}

TEST(KeySchema, TakesWordsThatYamlSeesAsNumbersOrFlags) {
  std::string word = "1.1";
  config::Color color = config::Color::red;
  config::Keys keys;
  keys.word("version", word, {"1.1", "2"}, "which");
  keys.choice<config::Color>("color", color, {{"red", config::Color::red}}, "which",
                             config::Presence::optional, {{"true", config::Color::red}});
  const auto schema = schemaOf(KeyFile{.kind = "pager", .keys = keys.explain()});
  EXPECT_EQ(schema["properties"]["version"]["enum"].dump(), R"(["1.1",1.1,"2",2])");
  EXPECT_EQ(schema["properties"]["color"]["enum"].dump(), R"(["red",true])");
}

}  // namespace
}  // namespace smsd::smsctl
