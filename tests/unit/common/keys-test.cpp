// SPDX-License-Identifier: GPL-3.0-or-later
// Reading a YAML text against declared keys: what is taken, what is refused, where, and in which words.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/common/keys-settings.h"

namespace smsd::config {
namespace {

TEST(Config, TakesAValueOfEveryType) {
  Settings s;
  EXPECT_EQ(problemsOf("title: 'yes'\n"
                       "count: 8\n"
                       "deep: {factor: 2.25, loud: true, delay: 500s, expiry: 2m}\n"
                       "place: relative/here\n"
                       "color: green\n"
                       "kind: slow\n"
                       "elements:\n"
                       "- name: a\n"
                       "- {name: b, size: 9}\n",
                       s),
            "");
  EXPECT_EQ(s.title, "yes");
  EXPECT_EQ(s.count, 8);
  EXPECT_EQ(s.factor, 2.25);
  EXPECT_TRUE(s.loud);
  EXPECT_EQ(s.delay, 500s);
  EXPECT_EQ(s.expiry, Milliseconds(2min));
  EXPECT_EQ(s.place, "relative/here");
  EXPECT_EQ(s.color, Color::green);
  EXPECT_EQ(s.kind, "slow");
  ASSERT_EQ(s.elements.size(), 2u);
  EXPECT_EQ(s.elements[0].name, "a");
  EXPECT_EQ(s.elements[0].size, 1);
  EXPECT_EQ(s.elements[1].size, 9);
}

TEST(Config, KeepsTheDefaultsOfWhatIsNotThere) {
  for (const char* yaml :
       {"", "\n", "# nothing\n", "---\n", "{}", "deep:\n", "deep: {}\n", "\xef\xbb\xbf# a BOM\r\n"}) {
    Settings s;
    EXPECT_EQ(problemsOf(yaml, s), "") << yaml;
    EXPECT_EQ(s.title, "none");
    EXPECT_EQ(s.delay, 30s);
    EXPECT_FALSE(s.expiry);
    EXPECT_TRUE(s.elements.empty());
  }
}

TEST(Config, SaysAllProblemsAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(
      problemsOf("color: blue\n"
                 "elements: [{size: 3}]\n"
                 "count: 0\n"
                 "deep:\n"
                 "  delay: 30\n"
                 "oops: 1\n"),
      "f.yaml:1:8: color: found 'blue', expected one of red|green\n"
      "f.yaml:2:12: elements[0].name is missing, expected text (its name)\n"
      "f.yaml:3:8: count: found '0', expected an integer 1..8\n"
      "f.yaml:5:10: deep.delay: found '30', expected a duration 1s..1h: with its unit, 30s?\n"
      "f.yaml:6:1: unknown key 'oops', expected one of title, count, deep, place, color, kind, elements\n");
}

TEST(Config, SaysARequiredKeyIsMissingOnceAndOnlyWhereNothingElseIsWrong) {
  const auto read = [](std::string_view yaml) {
    std::string user;
    Keys keys(Quoting::harmless);
    keys.text("account.user", user, "who", Presence::required);
    return describe(keys.read(yaml, "f.yaml"));
  };
  EXPECT_EQ(read(""), "f.yaml:1:1: account.user is missing, expected text (who)\n");
  EXPECT_EQ(read("# one\naccount:\n"), "f.yaml:2:1: account.user is missing, expected text (who)\n");
  EXPECT_EQ(read("account: 3\n"),
            "f.yaml:1:10: found '3' for account, expected a section with keys of user\n");
  EXPECT_EQ(read("account: {user: me}"), "");
}

TEST(Config, DoesNotTouchTheTargetOfARefusedValue) {
  Settings s;
  EXPECT_NE(problemsOf("{count: 99, color: blue, deep: {factor: 0, loud: yes, delay: 2d, expiry: 2d}}", s),
            "");
  EXPECT_EQ(s.count, 3);
  EXPECT_EQ(s.color, Color::red);
  EXPECT_EQ(s.factor, 1.5);
  EXPECT_FALSE(s.loud);
  EXPECT_EQ(s.delay, 30s);
  EXPECT_FALSE(s.expiry);
}

TEST(Config, AsksARuleOnlyWhenItsSectionWasReadWithoutAProblem) {
  struct Wait {
    Milliseconds least = 1s, most = 2s;
    int other = 1;
  };
  const auto read = [](std::string_view yaml) {
    Wait wait;
    Keys keys(Quoting::harmless);
    keys.duration("wait.least", wait.least, {1s, 1h}, "");
    keys.duration("wait.most", wait.most, {1s, 1h}, "");
    keys.integer("other", wait.other, {1, 2}, "");
    keys.rule("wait.most", [&]() -> std::optional<std::string> {
      if (wait.most >= wait.least) return std::nullopt;
      return "is less than wait.least";
    });
    return describe(keys.read(yaml, "f.yaml"));
  };
  EXPECT_EQ(read("wait: {least: 1s, most: 2s}"), "");
  EXPECT_EQ(read("wait:\n  most: 1s\n  least: 3s"), "f.yaml:2:3: wait.most: is less than wait.least\n");
  EXPECT_EQ(read("wait:\n  least: 3s"), "f.yaml:1:1: wait.most: is less than wait.least\n");
  EXPECT_EQ(read("wait: {least: 3s, most: 0}"),
            "f.yaml:1:25: wait.most: found '0', expected a duration 1s..1h\n");
  EXPECT_EQ(read("wait: {least: 3s}\nother: 9"),
            "f.yaml:1:1: wait.most: is less than wait.least\nf.yaml:2:8: other: found '9', expected an "
            "integer 1..2\n");
}

TEST(Config, KnowsWhereAKeyStoodAfterwards) {
  Settings s;
  Keys keys(Quoting::harmless);
  declare(keys, s);
  ASSERT_TRUE(
      keys.read("# x\ndeep:\n  loud: true\nelements:\n- name: a\n- size: 3\n  name: b\n", "f.yaml").empty());
  EXPECT_EQ(keys.where("deep.loud"), "f.yaml:3:3");
  EXPECT_EQ(keys.where("elements[1].name"), "f.yaml:7:3");
  EXPECT_EQ(keys.where("elements[0].size"), "f.yaml:5:3");
  EXPECT_EQ(keys.where("deep.delay"), "f.yaml:2:1");
}

TEST(Config, ExplainsEachKeyFromItsDeclaration) {
  Settings s;
  Keys keys(Quoting::harmless);
  declare(keys, s);
  std::string all;
  for (const auto& e : keys.explain())
    all += e.key + "|" + e.type + "|" + e.defaultValue + (e.required ? "|!\n" : "\n");
  EXPECT_EQ(all,
            "title|text|none\n"
            "count|integer 1..8|3\n"
            "deep.factor|number 1..10|1.5\n"
            "deep.loud|true or false|false\n"
            "deep.delay|duration 1s..1h|30s\n"
            "deep.expiry|duration 1s..1h or never|never\n"
            "place|path|/var/lib\n"
            "color|one of red|green|red\n"
            "kind|one of fast|slow|fast\n"
            "elements|list|\n"
            "elements[].name|text||!\n"
            "elements[].size|integer 1..9|1\n");
}

TEST(Config, TakesListsOfScalarsInEachFormOrNothingOfThem) {
  struct Case {
    const char* yaml;
    std::vector<std::string> words;
    std::vector<int> ports;
    const char* problem;
  };
  const std::vector<Case> table = {
      {"words: [a, \"b c\", '']\nports: [1, 9]\n", {"a", "b c", ""}, {1, 9}, ""},
      {"words:\n  - a\n  - 5\n", {"a", "5"}, {7}, ""},
      {"words: []\nports: []\n", {}, {}, ""},
      {"words: a\n",
       {"before"},
       {7},
       "f.yaml:1:8: words: found a text, expected a list ([..., ...] or - ...)\n"},
      {"words: [a, [b]]\n", {"before"}, {7}, "f.yaml:1:8: words: entry 2: found a list, expected a text\n"},
      {"ports: [1, 10]\n",
       {"before"},
       {7},
       "f.yaml:1:8: ports: entry 2: found a number, expected an integer 1..9\n"},
  };
  for (auto& [yaml, words, ports, problem] : table) {
    std::vector<std::string> texts = {"before"};
    std::vector<int> numbers = {7};
    Keys keys;
    keys.texts("words", texts, "words");
    keys.integers("ports", numbers, {1, 9}, "ports");
    EXPECT_EQ(describe(keys.read(yaml, "f.yaml")), problem) << yaml;
    EXPECT_EQ(texts, words) << yaml;
    EXPECT_EQ(numbers, ports) << yaml;
    EXPECT_EQ(keys.explain()[0].type, "list of texts");
    EXPECT_EQ(keys.explain()[1].type, "list of integer 1..9");
  }
}

TEST(Config, ReadsFormerWordsWithoutAdvisingThem) {
  const auto read = [](std::string_view yaml, Color& color) {
    Keys keys(Quoting::harmless);
    keys.choice<Color>("color", color, {{"red", Color::red}, {"green", Color::green}}, "which",
                       Presence::optional, {{"true", Color::green}, {"false", Color::red}});
    EXPECT_EQ(keys.explain().at(0).type, "one of red|green");
    return describe(keys.read(yaml, "f.yaml"));
  };
  Color color = Color::red;
  EXPECT_EQ(read("color: true", color), "");
  EXPECT_EQ(color, Color::green);
  EXPECT_EQ(read("color: false", color), "");
  EXPECT_EQ(color, Color::red);
  EXPECT_EQ(read("color: 'true'", color),
            "f.yaml:1:8: color: found the quoted text 'true', expected one of red|green\n");
}

TEST(Config, HasAnExampleOfEachTypeThatItReads) {
  Settings settings;
  Keys keys;
  declare(keys, settings);
  for (const KeyHelp& key : keys.explain()) {
    if (key.form.type == KeyForm::Type::list || key.key.find("[]") != std::string::npos) continue;
    ASSERT_NE(key.example, "") << key.key;
    const std::size_t dot = key.key.find('.');
    const std::string yaml =
        dot == std::string::npos
            ? key.key + ": " + key.example
            : key.key.substr(0, dot) + ": {" + key.key.substr(dot + 1) + ": " + key.example + "}";
    EXPECT_EQ(problemsOf(yaml), "") << yaml;
  }
}

TEST(Config, GivesADurationThatAPersonWouldWriteAsAnExample) {
  using namespace std::chrono_literals;
  const auto example = [](Milliseconds value, Bound<Milliseconds> bound) {
    Keys keys;
    keys.duration("wait", value, bound, "how long");
    return keys.explain().at(0).example;
  };
  EXPECT_EQ(example(30s, {100ms, 10min}), "1m") << "neither the bound nor the default";
  EXPECT_EQ(example(0s, {0s, 24h}), "30s");
  EXPECT_EQ(example(8h, {1h, 10h}), "8h") << "no other usual one is within the bounds";
  std::optional<Milliseconds> never;
  Keys keys;
  keys.durationOr("never", "expiry", never, {1h, 24h * 365}, "when");
  EXPECT_EQ(keys.explain().at(0).example, "12h");
}

}  // namespace
}  // namespace smsd::config
