// SPDX-License-Identifier: GPL-3.0-or-later
// Each example of deploy/examples/dispatchers for a gateway that exists, against that gateway as its
// documentation says it behaves (tests/peers/providers.py).
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "tests/workers/outcome-words.h"
#include "tests/workers/peers.h"
#include "workers/http/http.h"

namespace smsd::http {
namespace {

using namespace std::chrono_literals;
using test::Providers;

/// What becomes of an SMS to a number that ends so; see providers.py.
struct Expectation {
  std::string provider;
  std::string reference;                      // of the first SMS, as an expression
  std::map<std::string, std::string> faults;  // outcome by the number's last digits
  std::string wrongSecret = "broken";
};

const std::vector<Expectation> expectations = {
    {"uio",
     "1",
     {{"01", "refused"},
      {"02", "deferred+7"},
      {"03", "broken"},
      {"05", "deferred+0"},
      {"10", "broken"},
      {"11", "unknown"},
      {"12", "unknown"},
      {"13", "unknown"},
      {"14", "deferred+60"},
      {"15", "unknown"},
      {"16", "unknown"}}},
    {"twilio",
     "SM[0-9a-f]{32}",
     {{"01", "refused"},
      {"02", "deferred+3"},
      {"03", "deferred+60"},
      {"04", "broken"},
      {"05", "deferred+0"},
      {"10", "refused"},
      {"11", "refused"},
      {"12", "refused"},
      {"13", "broken"},
      {"14", "broken"},
      {"15", "broken"},
      {"16", "deferred+600"},
      {"17", "deferred+600"},
      {"18", "deferred+600"},
      {"19", "deferred+600"}}},
    {"vonage",
     "0A0000000123ABCD1",
     {{"01", "refused"},
      {"02", "deferred+2"},
      {"03", "broken"},
      {"04", "broken"},
      {"05", "unknown"},
      {"10", "refused"},
      {"11", "refused"},
      {"12", "refused"},
      {"13", "broken"},
      {"14", "broken"},
      {"15", "broken"},
      {"16", "deferred+60"},
      {"17", "deferred+60"}}},
    {"infobip",
     "2250be2d4219-1",
     {{"01", "refused"},
      {"02", "deferred+0"},
      {"03", "broken"},
      {"04", "broken"},
      {"05", "deferred+0"},
      {"10", "deferred+600"},
      {"11", "deferred+600"},
      {"12", "broken"},
      {"13", "broken"},
      {"14", "broken"},
      {"15", "deferred+600"},
      {"16", "refused"},
      {"17", "refused"},
      {"18", "refused"},
      {"19", "deferred+600"},
      {"20", "deferred+600"},
      {"21", "unknown"}}},
    {"sinch",
     "01FC66621XXXXX0*1",
     {{"01", "deferred+600"},
      {"02", "deferred+0"},
      {"03", "broken"},
      {"04", "broken"},
      {"05", "deferred+0"},
      {"10", "broken"},
      {"11", "deferred+600"},
      {"12", "refused"},
      {"13", "broken"}}},
    {"plivo",
     "db3ce55a-7f1d-11e1-8ea7-0*1",
     {{"01", "deferred+600"}, {"02", "deferred+0"}, {"05", "deferred+0"}}}};

std::string shortly(const kit::Outcome& outcome) {
  if (auto* accepted = std::get_if<kit::Accepted>(&outcome)) return "accepted:" + accepted->reference;
  if (auto* deferred = std::get_if<kit::Deferred>(&outcome))
    return "deferred+" + std::to_string(deferred->after / 1s);
  return test::kindOf(outcome);
}

class Examples : public testing::TestWithParam<Expectation> {
 protected:
  ~Examples() noexcept override = default;

  /// The example as it stands, but for where its gateway is.
  void serve(const std::string& secret) {
    std::ostringstream text;
    text << std::ifstream(SMSD_SOURCE_DIR "/deploy/examples/dispatchers/http-" + GetParam().provider +
                          ".yaml")
                .rdbuf();
    std::string yaml = std::regex_replace(text.str(), std::regex("\nurl: \"https://[^/]*"),
                                          "\nurl: \"http://127.0.0.1:" + std::to_string(providers.port()));
    std::smatch found;
    ASSERT_TRUE(std::regex_search(yaml, found, std::regex("file: ([a-z.]+)")));
    auto file = folder.path / found[1].str();
    std::filesystem::remove(file);
    std::ofstream(file) << secret << "\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    dispatcher = std::make_unique<HttpDispatcher>();
    config::Keys keys;
    dispatcher->declare(keys);
    ASSERT_EQ(config::describe(keys.read(yaml, folder.path / "gateway.yaml")), "");
    dispatcher->start(io).wait(io.waitScope);
  }
  std::string send(const std::string& recipient, const std::string& text) {
    return shortly(
        dispatcher->send({.attempt = 1, .recipient = recipient, .text = text, .key = "q-17", .deadline = 20s})
            .wait(io.waitScope));
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  test::Folder folder;
  Providers providers;
  std::unique_ptr<HttpDispatcher> dispatcher;
};

TEST_P(Examples, SendAndUnderstandTheirGateway) {
  auto& expected = GetParam();
  serve("sesame");
  EXPECT_TRUE(std::regex_match(send("+4799999990", "core-gw1 is down"),
                               std::regex("accepted:" + expected.reference)));
  for (auto& [ending, outcome] : expected.faults)
    EXPECT_EQ(send("+47999999" + ending, "x"), outcome) << ending;
  EXPECT_EQ(providers.taken().size(), 1U);
  serve("wrong");
  EXPECT_EQ(send("+4799999990", "x"), expected.wrongSecret);
  EXPECT_EQ(providers.taken().size(), 1U);
}

TEST_P(Examples, BringEveryTextThroughUnharmed) {
  serve("sesame");
  std::string printable;
  for (char c = ' '; c <= '~'; ++c) printable += c;
  std::vector<std::string> texts = {printable,
                                    "\"quoted\" 'text'",
                                    "two\r\nlines",
                                    "100%",
                                    "%20+%",
                                    "a&to=+1&text=b#c",
                                    "</sms>",
                                    "x\r\nBcc: a@b",
                                    "\xF0\x9F\x94\xA5",
                                    "bl\xC3\xA5\\u0041\\"};
  for (auto& text : texts) EXPECT_TRUE(send("+4799999990", text).starts_with("accepted")) << text;
  auto taken = providers.taken();
  ASSERT_EQ(taken.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(taken[i]["text"].get<std::string>(), texts[i]);
    std::string to = taken[i]["to"];
    EXPECT_TRUE(to == "+4799999990" || to == "4799999990") << to;
  }
  if (GetParam().provider == "vonage") {
    EXPECT_EQ(taken[0]["type"], "unicode") << "a backtick is not in the GSM alphabet";
    EXPECT_EQ(taken[3]["type"], "text");
  }
  if (GetParam().provider == "sinch") {
    EXPECT_EQ(taken[0]["reference"], "q-17");
  }
}

INSTANTIATE_TEST_SUITE_P(All, Examples, testing::ValuesIn(expectations),
                         [](auto& one) { return one.param.provider; });

}  // namespace
}  // namespace smsd::http
