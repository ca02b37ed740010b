// SPDX-License-Identifier: GPL-3.0-or-later
// The texts that are refused against declared keys: where, in which words, and what a problem may quote.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/common/keys-settings.h"

namespace smsd::config {
namespace {

struct Refusal {
  const char* yaml;
  const char* problem;
};
void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.yaml; }

class ConfigRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(ConfigRefuses, WithPlaceAndExpectation) { EXPECT_EQ(problemsOf(GetParam().yaml), GetParam().problem); }

INSTANTIATE_TEST_SUITE_P(
    Values, ConfigRefuses,
    testing::Values(
        Refusal{"count: 9", "f.yaml:1:8: count: found '9', expected an integer 1..8\n"},
        Refusal{"count: -1", "f.yaml:1:8: count: found '-1', expected an integer 1..8\n"},
        Refusal{"count: 0x5", "f.yaml:1:8: count: found '0x5', expected an integer 1..8\n"},
        Refusal{"count: 05", "f.yaml:1:8: count: found '05', expected an integer 1..8\n"},
        Refusal{"count: 5.0", "f.yaml:1:8: count: found '5.0', expected an integer 1..8\n"},
        Refusal{"count: 99999999999999999999",
                "f.yaml:1:8: count: found '99999999999999999999', expected an integer 1..8\n"},
        Refusal{"count: \"5\"",
                "f.yaml:1:8: count: found the quoted text '5', expected an integer 1..8: write it without "
                "quotes\n"},
        Refusal{"\n  count: [5]", "f.yaml:2:10: count: found a list, expected an integer 1..8\n"},
        Refusal{"count:\ntitle: x\n", "f.yaml:1:1: count: found no value, expected an integer 1..8\n"},
        Refusal{"count: ~", "f.yaml:1:1: count: found no value, expected an integer 1..8\n"},
        Refusal{"title: {a: b}", "f.yaml:1:8: title: found a map, expected a text\n"},
        Refusal{"title: null", "f.yaml:1:1: title: found no value, expected a text\n"},
        Refusal{"place: ''", "f.yaml:1:8: place: found an empty text, expected a path\n"},
        Refusal{"deep:\n  factor: .nan", "f.yaml:2:11: deep.factor: found '.nan', expected a number 1..10\n"},
        Refusal{"deep: {factor: nan}", "f.yaml:1:16: deep.factor: found 'nan', expected a number 1..10\n"},
        Refusal{"deep: {factor: inf}", "f.yaml:1:16: deep.factor: found 'inf', expected a number 1..10\n"},
        Refusal{"deep: {factor: 1e0}", "f.yaml:1:16: deep.factor: found '1e0', expected a number 1..10\n"},
        Refusal{"deep: {factor: 0.99}", "f.yaml:1:16: deep.factor: found '0.99', expected a number 1..10\n"},
        Refusal{
            "deep:\n  factor: 1,5",
            "f.yaml:2:11: deep.factor: found '1,5', expected a number 1..10: the decimal sign is a point\n"},
        Refusal{"deep: {delay: 0}", "f.yaml:1:15: deep.delay: found '0', expected a duration 1s..1h\n"},
        Refusal{"deep: {delay: 61m}", "f.yaml:1:15: deep.delay: found '61m', expected a duration 1s..1h\n"},
        Refusal{"deep: {delay: -5s}",
                "f.yaml:1:15: deep.delay: found '-5s', expected a duration 1s..1h: written as "
                "500ms, 30s, 5m, 1h or 2d\n"},
        Refusal{"deep: {delay: soon}",
                "f.yaml:1:15: deep.delay: found 'soon', expected a duration 1s..1h: written as "
                "500ms, 30s, 5m, 1h or 2d\n"},
        Refusal{"deep: {delay: 30}",
                "f.yaml:1:15: deep.delay: found '30', expected a duration 1s..1h: with its unit, 30s?\n"},
        Refusal{"deep: {expiry: newer}",
                "f.yaml:1:16: deep.expiry: found 'newer', expected a duration 1s..1h or "
                "never: written as 500ms, 30s, 5m, 1h or 2d\n"},
        // wart C35: a capital letter once meant endless retries
        Refusal{"color: Red",
                "f.yaml:1:8: color: found 'Red', expected one of red|green: did you mean red?\n"},
        Refusal{"color: blue", "f.yaml:1:8: color: found 'blue', expected one of red|green\n"},
        Refusal{"color: [red]", "f.yaml:1:8: color: found a list, expected one of red|green\n"},
        Refusal{"kind: solw",
                "f.yaml:1:7: kind: found 'solw', expected one of fast|slow: did you mean slow?\n"}));

INSTANTIATE_TEST_SUITE_P(
    Structure, ConfigRefuses,
    testing::Values(
        // wart C35: an unknown key once was accepted without a word
        Refusal{"cuont: 3",
                "f.yaml:1:1: unknown key 'cuont', did you mean count? expected one of title, count, deep, "
                "place, color, kind, elements\n"},
        Refusal{"zzz: 3",
                "f.yaml:1:1: unknown key 'zzz', expected one of title, count, deep, place, color, kind, "
                "elements\n"},
        Refusal{"delay: 3s",
                "f.yaml:1:1: unknown key 'delay', did you mean deep.delay, one level down or up? expected "
                "one of title, count, deep, place, color, kind, elements\n"},
        Refusal{"deep.delay: 3s",
                "f.yaml:1:1: unknown key 'deep.delay', expected one of title, count, deep, place, "
                "color, kind, elements\n"},
        Refusal{"deep:\n  laud: true",
                "f.yaml:2:3: unknown key 'laud', did you mean loud? expected one of factor, loud, delay, "
                "expiry\n"},
        Refusal{
            "deep: 5",
            "f.yaml:1:7: found '5' for deep, expected a section with keys of factor, loud, delay, expiry\n"},
        Refusal{"deep: [loud]",
                "f.yaml:1:7: found a list for deep, expected a section with keys of factor, loud, delay, "
                "expiry\n"},
        Refusal{"count: 3\ncount: 4\n",
                "f.yaml:2:1: key 'count' is given twice, expected once (the first is in line 1)\n"},
        Refusal{"deep: {loud: true}\ntitle: x\ndeep: {loud: false}\n",
                "f.yaml:3:1: key 'deep' is given twice, expected once (the first is in line 1)\n"},
        Refusal{"elements: a", "f.yaml:1:11: elements: found 'a', expected a list (- ...)\n"},
        Refusal{"elements:", "f.yaml:1:1: elements: found no value, expected a list (- ...)\n"},
        Refusal{"elements: [a]",
                "f.yaml:1:12: elements: found 'a', expected a map with keys of name, size\n"},
        Refusal{"elements:\n- name: a\n- size: 2\n",
                "f.yaml:3:3: elements[1].name is missing, expected text (its name)\n"},
        Refusal{"elements:\n- name: ''\n",
                "f.yaml:2:9: elements[0].name: found an empty text, expected a text\n"},
        Refusal{"elements:\n- name: a\n  size: 0\n",
                "f.yaml:3:9: elements[0].size: found '0', expected an integer 1..9\n"},
        Refusal{"just words",
                "f.yaml:1:1: found 'just words', expected keys with their values (key: value)\n"},
        Refusal{"- count", "f.yaml:1:1: found a list, expected keys with their values (key: value)\n"}));

INSTANTIATE_TEST_SUITE_P(
    Yaml, ConfigRefuses,
    testing::Values(
        Refusal{"count: 3\n---\ncount: 4\n",
                "f.yaml:2:1: a second document starts here, expected one document a file (remove the ---)\n"},
        Refusal{"deep:\n\tloud: true\n", "f.yaml:2:1: a tab in the indentation, expected spaces\n"},
        Refusal{"deep:\n  loud: true\n\tdelay: 3s\n",
                "f.yaml:3:1: a tab in the indentation, expected spaces\n"},
        Refusal{"title: &t x\nkind: *t\n",
                "f.yaml:2:7: an alias (*name), expected the value itself: aliases are not used here\n"},
        Refusal{"count: !!int 3",
                "f.yaml:1:8: a YAML tag (!...), expected a plain value: tags are not used here\n"},
        Refusal{"? [a]\n: 1\n", "f.yaml:1:3: a list or map as a key, expected a word\n"},
        Refusal{"title: \"a\\0b\"", "f.yaml:1:8: a text with a NUL character in it, expected none\n"},
        // yaml-cpp would take the byte 4 for the end of the file
        Refusal{"title: x\n\x04\ncuont: 3\n", "f.yaml:2:1: the control character 0x04, expected text\n"},
        Refusal{"title: \"x", "f.yaml:1:10: the end of the file within quotes, expected the closing quote\n"},
        Refusal{"deep: {loud: true\ncount: 3\n",
                "f.yaml:2:6: no comma and no }, expected } to close the map\n"},
        Refusal{"elements: [a\ncount: 3\n", "f.yaml:2:6: no comma and no ], expected ] to close the list\n"},
        Refusal{"title: a]\nplace: ]\n",
                "f.yaml:2:8: a closing bracket, expected an opening one before it\n"},
        Refusal{"title: - a\n",
                "f.yaml:1:8: a list item, expected a value: each item (- value) is on its own line\n"},
        Refusal{"count: 3\n  loud: true\n",
                "f.yaml:2:7: a second colon, expected one value: put a text with a colon in quotes\n"},
        Refusal{
            "deep:\n  loud: true\n delay: 3s\n",
            "f.yaml:3:2: an entry that is not aligned with its neighbours, expected the same indentation\n"},
        Refusal{"title: \"a\\qb\"",
                "f.yaml:1:12: an escape that YAML does not have, expected \\\\ for a backslash, or single "
                "quotes\n"},
        Refusal{"title: @home",
                "f.yaml:1:8: a character with which no value begins, expected a value: put it in quotes\n"},
        Refusal{"title: &",
                "f.yaml:1:9: a & before a name, expected a value: put a text that begins with & in quotes\n"},
        Refusal{"title: | x\n", "f.yaml:1:10: a word after | or >, expected the text on the lines below\n"},
        Refusal{"title: a: b\n",
                "f.yaml:1:9: a second colon, expected one value: put a text with a colon in quotes\n"}));

// As a dispatcher's file is read: it may hold secrets, and one may have landed in the wrong place.
TEST(Config, QuotesNothingOfAFileThatMayHoldSecrets) {
  const std::string keys = "expected one of title, count, deep, place, color, kind, elements, pin_file\n";
  const std::string deep = "expected a section with keys of factor, loud, delay, expiry\n";
  for (const auto& [yaml, problem] : std::vector<std::pair<std::string, std::string>>{
           {"count: 9", "1:8: count: found a number, expected an integer 1..8\n"},
           {"count: s3cret", "1:8: count: found a text, expected an integer 1..8\n"},
           {"deep: {delay: 30}",
            "1:15: deep.delay: found a number, expected a duration 1s..1h: with its unit, as in 30s\n"},
           {"color: 's3cret'", "1:8: color: found a quoted text, expected one of red|green\n"},
           {"deep: delay:s3cret", "1:7: found a text for deep, a blank is missing after the colon, " + deep},
           {"elements: ['X: s3cret']",
            "1:12: elements: found a quoted text, expected a map with keys of name, size\n"},
           {"s3cret: x", "1:1: unknown key (not shown: it may be a secret), " + keys},
           {"cuont: s3cret", "1:1: unknown key 'cuont', did you mean count? " + keys},
           {"cuont=s3cret: x", "1:1: unknown key 'cuont...', did you mean count? " + keys},
           {"{count:s3cret}", "1:2: unknown key 'count...', a blank is missing after the colon, " + keys},
           {"pin: 1234", "1:1: unknown key 'pin', did you mean pin_file, the file it is in? " + keys},
           {"{pin:1234}",
            "1:2: unknown key 'pin...', a blank is missing after the colon, did you mean "
            "pin_file, the file it is in? " +
                keys},
           {"title: x\ntitle: y",
            "2:1: key 'title' is given twice, expected once (the first is in line 1)\n"},
           {"title: *s3cret",
            "1:8: a * before a name, expected a value: put a text that begins with * in quotes\n"}}) {
    Settings settings;
    Secret pin;
    Keys declared;
    declare(declared, settings);
    declared.secretFile("pin_file", pin, "the PIN");
    EXPECT_EQ(describe(declared.read(yaml, "f.yaml")), "f.yaml:" + problem) << yaml;
  }
}

// smsd.yaml has no secrets, but a connection string is near.
TEST(Config, QuotesNoMoreThanWhatStandsBeforeAValueWhereOneMayBegin) {
  EXPECT_EQ(
      problemsOf("deep: host=x password=s3cret"),
      "f.yaml:1:7: found 'host...' for deep, expected a section with keys of factor, loud, delay, expiry\n");
  EXPECT_EQ(problemsOf("color: me:s3cret@host"),
            "f.yaml:1:8: color: found 'me...', expected one of red|green\n");
  EXPECT_EQ(
      problemsOf("zzz=s3cret: 3"),
      "f.yaml:1:1: unknown key 'zzz...', expected one of title, count, deep, place, color, kind, elements\n");
}

TEST(Config, RefusesEveryOtherWordForTrueWithAdviceC11) {
  for (const char* word : {"yes", "on", "1", "True", "TRUE", "Yes", "ON", "y", "'true'"}) {
    const std::string problem = problemsOf(std::string("deep: {loud: ") + word + "}");
    EXPECT_NE(problem.find("f.yaml:1:14: deep.loud: found "), std::string::npos) << problem;
    EXPECT_NE(problem.find("expected true or false: write true\n"), std::string::npos) << problem;
  }
  for (const char* word : {"no", "off", "0", "False", "NO", "n", "\"false\""}) {
    const std::string problem = problemsOf(std::string("deep: {loud: ") + word + "}");
    EXPECT_NE(problem.find("expected true or false: write false\n"), std::string::npos) << problem;
  }
  EXPECT_EQ(problemsOf("deep: {loud: maybe}"),
            "f.yaml:1:14: deep.loud: found 'maybe', expected true or false\n");
}

TEST(Config, RefusesAFileThatIsTooLong) {
  const std::string problem = problemsOf("title: " + std::string(1024 * 1024, 'x'));
  EXPECT_EQ(problem, "f.yaml:1:1: longer than 256 KiB, expected a configuration file\n");
}

TEST(Config, RefusesDeepNestingInsteadOfCrashing) {
  for (const std::string& bracket :
       {std::string("["), std::string("{a: "), std::string("- "), std::string("? ")}) {
    std::string yaml = "title:\n ";
    while (yaml.size() < 200 * 1024) yaml += bracket;
    const std::string problem = problemsOf(yaml);
    EXPECT_NE(problem.find("f.yaml:"), std::string::npos);
    EXPECT_EQ(std::count(problem.begin(), problem.end(), '\n'), 1) << problem;
  }
}

TEST(Config, RefusesAliasesBeforeTheyMultiply) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + ", " +
            before + "]\n";
  }
  EXPECT_NE(problemsOf(bomb).find("f.yaml:2:10: an alias"), std::string::npos);
}

TEST(Config, KeepsProblemsToOneBoundedLine) {
  const std::string problem =
      problemsOf("\"" + std::string(500, 'k') + "\\n\": 1\ncolor: \"a\\nb" + std::string(5000, 'v') + "\"\n");
  EXPECT_EQ(std::count(problem.begin(), problem.end(), '\n'), 2);
  EXPECT_LT(problem.size(), 500u);
}

}  // namespace
}  // namespace smsd::config
