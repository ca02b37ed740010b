// SPDX-License-Identifier: GPL-3.0-or-later
// The candidates for a word on the command line, against commands declared as smsctl declares them.
#include "supervisor/smsctl/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace smsd::smsctl {
namespace {

class Completion : public testing::Test {
 protected:
  Completion() {
    app_.add_option("--config", text_)->type_name("FILE");
    auto* queue = app_.add_subcommand("queue", "");
    for (const char* name : {"release", "retry"})
      queue->add_subcommand(name, "")->add_option("ID", text_)->type_name("");
    auto* list = queue->add_subcommand("list", "");
    list->add_option("--status", text_)->type_name("N|Y|I");
    list->add_flag("--json", flag_);
    auto* dispatcher = app_.add_subcommand("dispatcher", "");
    dispatcher->add_subcommand("pause", "")->add_option("NAME", text_)->type_name("");
    auto* canary = app_.add_subcommand("canary", "");
    canary->add_subcommand("run", "")->add_option("NAME", text_)->type_name("");
    auto* test = app_.add_subcommand("test", "");
    test->add_option("PHONE", text_)->type_name("");
    test->add_option("--via", text_)->type_name("NAME");
    auto* config = app_.add_subcommand("config", "");
    auto* explain = config->add_subcommand("explain", "");
    explain->add_option("KEY", text_)->type_name("");
    explain->add_option("--kind", text_)->type_name("KIND");
    config->add_subcommand("schema", "")->add_option("KIND", text_)->type_name("");
    config->add_subcommand("install", "")->add_option("FILE", files_)->type_name("");
    app_.add_subcommand("heartbeat", "")->add_option("NAME", text_)->type_name("");
    app_.add_subcommand("preview", "")
        ->add_option("--transliterate", text_)
        ->expected(0, 1)
        ->type_name("off|on");
    app_.add_subcommand("hidden", "")->group("");
  }

  std::string of(const std::vector<std::string>& words) {
    const CandidateSources sources{
        .dispatchers =
            [](const GivenValues& given) {
              return std::vector<std::string>{"gateway",
                                              given.config.empty() ? "modem" : "of-" + given.config};
            },
        .held =
            [](const GivenValues&) {
              return std::vector<std::string>{"12", "31"};
            },
        .keys =
            [](const GivenValues& given) {
              return given.kind.empty()
                         ? std::vector<std::string>{"retry.delay", "queue.lease", "$(reboot)", "a b", ""}
                         : std::vector<std::string>{given.kind + ".url"};
            },
        .kinds =
            [](const GivenValues&) {
              return std::vector<std::string>{"http", "mail"};
            },
        .heartbeats =
            [](const GivenValues&) {
              return std::vector<std::string>{"backup", "nav"};
            }};
    return fmt::format("{}", fmt::join(candidates(app_, words, sources), " "));
  }

  CLI::App app_{"", "smsctl"};
  std::string text_;
  std::vector<std::string> files_;
  bool flag_ = false;
};

TEST_F(Completion, FollowsTheDeclaredCommands) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "canary config dispatcher heartbeat preview queue test"},
      {{""}, "canary config dispatcher heartbeat preview queue test"},
      {{"q"}, "queue"},
      {{"x"}, ""},
      {{"hidden", ""}, "canary config dispatcher heartbeat preview queue test"},
      {{"queue", ""}, "list release retry"},
      {{"queue", "re"}, "release retry"},
      {{"queue", "list", "--"}, "--help --json --status"},
      {{"queue", "list", ""}, "--help --json --status"},
      {{"queue", "list", "x"}, ""},
      {{"queue", "list", "--status", ""}, "I N Y"},
      {{"queue", "list", "--status", "=", "Y"}, "Y"},
      {{"queue", "list", "--status", "="}, "I N Y"},
      {{"queue", "list", "--status=Y"}, "--status=Y"},
      {{"queue", "list", "--oops=Y"}, ""},
      {{"queue", "list", "--json", "--s"}, "--status"},
      {{"--config", "f", "queue", "l"}, "list"},
      {{"preview", "--transliterate", ""}, "off on"},
      {{"preview", "--transliterate", "--tr"}, "--transliterate"},
  };
  for (const auto& [words, expected] : cases)
    EXPECT_EQ(of(words), expected) << fmt::format("{}", fmt::join(words, " "));
}

TEST_F(Completion, KnowsTheNamesOfThisHost) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"dispatcher", "pause", ""}, "gateway modem"},
      {{"dispatcher", "pause", "g"}, "gateway"},
      {{"dispatcher", "pause", "gateway", ""}, "--help"},
      {{"canary", "run", ""}, "gateway modem"},
      {{"--config", "other", "dispatcher", "pause", ""}, "gateway of-other"},
      {{"--config=other", "dispatcher", "pause", "of"}, "of-other"},
      {{"test", "--via", ""}, "gateway modem"},
      {{"test", "+47", "--via", "m"}, "modem"},
      {{"test", "4"}, ""},
      {{"heartbeat", ""}, "backup nav"},
      {{"queue", "release", ""}, "12 31"},
      {{"queue", "release", "3"}, "31"},
      {{"queue", "retry", "1"}, ""},
      {{"config", "explain", "r"}, "retry.delay"},
      {{"config", "explain", "--kind", ""}, "http mail"},
      {{"config", "explain", "--kind", "http", "h"}, "http.url"},
      {{"config", "schema", ""}, "http mail"},
      {{"config", "install", "smsd.yaml", ""}, ":files"},
      {{"--config", "/etc/"}, ":files"},
  };
  for (const auto& [words, expected] : cases)
    EXPECT_EQ(of(words), expected) << fmt::format("{}", fmt::join(words, " "));
}

TEST_F(Completion, LeavesOutWhatAShellCouldInterpret) {
  EXPECT_EQ(of({"config", "explain", ""}), "queue.lease retry.delay");
}

}  // namespace
}  // namespace smsd::smsctl
