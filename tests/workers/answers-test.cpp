// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/answers.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/workers/outcome-words.h"

namespace smsd::net {
namespace {

using namespace std::chrono_literals;
using test::kindOf;
using test::wordsOf;

constexpr const char* origin = "https://gw:443";

kit::Outcome answered(int status, Milliseconds retryAfter = 0ms) {
  return outcomeOf({.status = status, .sent = Sent::something, .retryAfter = retryAfter}, origin);
}

kit::Outcome failed(Failure failure, Sent sent, std::string detail = {}) {
  return outcomeOf({.failure = failure, .sent = sent, .detail = detail}, origin);
}

// C66: each status its own meaning. The design's rows, and those decided here: of 4xx only what speaks of
// this SMS is refused, as what all dispatchers refuse is given up for good.
TEST(Answers, GiveEachStatusItsMeaningC66) {
  std::map<int, std::string> expected;
  for (int status = 200; status < 300; ++status) expected[status] = "accepted";
  for (int status = 300; status < 400; ++status) expected[status] = "broken";
  for (int status = 400; status < 500; ++status) expected[status] = "deferred";
  for (int status = 500; status < 600; ++status) expected[status] = "unknown";
  for (int status : {400, 413, 414, 422}) expected[status] = "refused";
  for (int status :
       {401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 415, 417, 426, 428, 431, 501, 505, 511})
    expected[status] = "broken";
  for (int status : {408, 421, 423, 424, 425, 429, 440, 451, 499, 500, 503}) expected[status] = "deferred";
  expected[409] = "unknown";
  for (int status : {100, 101, 199, 600, 999}) expected[status] = "unknown";
  for (auto& [status, name] : expected) EXPECT_EQ(kindOf(answered(status)), name) << status;
}

TEST(Answers, ToldByTheServerItselfAre400OfTheConfigurationNotOfTheSms) {
  auto said = [](int status, const std::string& body) {
    return outcomeOf({.status = status, .sent = Sent::something, .body = body}, origin);
  };
  const std::string nginx = "<html>\r\n<head><title>400 ";
  for (auto& body :
       {nginx + "The plain HTTP request was sent to HTTPS port</title></head>\r\n",
        nginx + "No required SSL certificate was sent</title></head>\r\n",
        nginx + "The SSL certificate error</title></head>\r\n",
        nginx + "Request Header Or Cookie Too Large</title></head>\r\n",
        std::string(
            "<p>Your browser sent a request that this server could not understand.<br />\nReason: You're "
            "speaking plain HTTP to an SSL-enabled server port.<br />\n"),
        std::string("Client sent an HTTP request to an HTTPS server.\n")}) {
    EXPECT_EQ(kindOf(said(400, body)), "broken") << body;
    EXPECT_EQ(kindOf(said(422, body)), "refused") << body;
  }
  EXPECT_EQ(wordsOf(said(400, nginx + "The plain HTTP request was sent to HTTPS port</title>")),
            "https://gw:443 requires https (400)");
  for (auto body : {"", "no such number", "bad text: The plain HTTP request was sent to HTTPS port",
                    "<html><head><title>400 Bad Request</title>"})
    EXPECT_EQ(kindOf(said(400, body)), "refused") << body;
}

TEST(Answers, ObeyRetryAfterUpToABound) {
  auto after = [](int status, Milliseconds wanted) {
    return std::get<kit::Deferred>(answered(status, wanted)).after;
  };
  for (int status : {408, 425, 429, 500, 503}) EXPECT_EQ(after(status, 7s), 7s) << status;
  EXPECT_EQ(after(503, 0s), 0s);
  EXPECT_EQ(after(503, longestRetryAfter), longestRetryAfter);
  EXPECT_EQ(after(503, 48h), longestRetryAfter);
  EXPECT_EQ(after(503, -5s), 0s);
}

TEST(Answers, SayDeferredOnlyWhereNothingWasSent) {
  for (auto failure : {Failure::none, Failure::unreachable, Failure::handshake, Failure::timeout,
                       Failure::cut, Failure::garbage, Failure::other}) {
    EXPECT_EQ(kindOf(failed(failure, Sent::nothing)), "deferred") << int(failure);
    EXPECT_EQ(kindOf(failed(failure, Sent::something)), "unknown") << int(failure);
  }
}

TEST(Answers, CallACertificateThatIsNotTrustedBroken) {
  EXPECT_EQ(kindOf(failed(Failure::security, Sent::nothing)), "broken");
  EXPECT_EQ(kindOf(failed(Failure::security, Sent::something)), "unknown");
}

TEST(Answers, NeverKnowARequestThatTheLibraryWantedToRepeat) {
  EXPECT_EQ(kindOf(failed(Failure::resend, Sent::something)), "unknown");
}

TEST(Answers, BelieveAStatusWhateverHappenedToTheBody) {
  for (auto failure : {Failure::none, Failure::timeout, Failure::cut, Failure::garbage})
    EXPECT_EQ(kindOf(outcomeOf({.status = 202, .failure = failure, .sent = Sent::something}, origin)),
              "accepted");
}

TEST(Answers, NameTheGatewayAndTheStatus) {
  EXPECT_EQ(wordsOf(answered(503)), "https://gw:443 is not available (503)");
  EXPECT_EQ(wordsOf(answered(502)), "https://gw:443 does not report the result of the request (502)");
  EXPECT_EQ(wordsOf(failed(Failure::unreachable, Sent::nothing, "Connection refused")),
            "https://gw:443 cannot be reached: Connection refused");
  EXPECT_EQ(wordsOf(failed(Failure::timeout, Sent::something)),
            "https://gw:443 took too long after the request was sent");
  for (int status = 0; status < 1000; ++status)
    if (kindOf(answered(status)) != "accepted") {
      EXPECT_FALSE(wordsOf(answered(status)).empty()) << status;
    }
}

TEST(Answers, KeepADetailToOneShortPrintableLine) {
  std::string reason =
      wordsOf(failed(Failure::security, Sent::nothing, "a\nb\x1b[31m\xff" + std::string(1000, 'x')));
  EXPECT_LE(reason.size(), 400U);
  for (char c : reason) EXPECT_TRUE(c >= ' ' && c <= '~');
}

TEST(Answers, ShowNoDetailOnceTheRequestIsOut) {
  EXPECT_EQ(wordsOf(failed(Failure::garbage, Sent::something, "GET /?password=hunter2")).find("hunter2"),
            std::string::npos);
}

}  // namespace
}  // namespace smsd::net
