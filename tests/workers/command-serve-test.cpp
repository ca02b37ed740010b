// SPDX-License-Identifier: GPL-3.0-or-later
// A program that serves: its lines, its health, its end.
#include <fcntl.h>

#include "tests/workers/command-bench.h"

namespace smsd::command {
namespace {

constexpr const char* simple =
    "print('{\"smsd\":1,\"window\":8,\"knows_keys\":true}', flush=True)\n"
    "for line in sys.stdin:\n"
    "    sms = json.loads(line)\n"
    "    if sms['type'] == 'health':\n"
    "        print('{\"health\":\"ready\"}', flush=True)\n"
    "    else:\n"
    "        exec(sms['text'])\n";

TEST_F(CommandTest, ServesWithTheWindowThatItsProgramNames) {
  serve(simple);
  EXPECT_EQ(dispatcher.traits().window, 8U);
  EXPECT_TRUE(dispatcher.traits().knowsKeys);
}

TEST_F(CommandTest, ServesNoMoreAtOnceThanItsFileAllows) {
  serve(simple, "window: 2\n");
  EXPECT_EQ(dispatcher.traits().window, 2U);
}

TEST_F(CommandTest, TakesOutcomesInAnyOrder) {
  serve(
      "print('{\"smsd\":1,\"window\":3}', flush=True)\n"
      "all = [json.loads(sys.stdin.readline()) for _ in range(3)]\n"
      "for sms in reversed(all):\n"
      "    print(json.dumps({'id': sms['id'], 'outcome': 'accepted', 'reference': sms['key']}), flush=True)\n"
      "sys.stdin.read()\n");
  std::vector<kj::Promise<kit::Outcome>> all;
  for (std::uint64_t i = 1; i <= 3; ++i) all.push_back(give(i));
  for (std::uint64_t i = 1; i <= 3; ++i)
    EXPECT_EQ(test::said(all[i - 1].wait(io.waitScope)), "accepted: key-" + std::to_string(i));
}

TEST_F(CommandTest, IsSpentByALineThatDoesNotFit) {
  serve(simple);
  auto outcome = give(1, "print('{\"id\":\"2\",\"outcome\":\"accepted\"}', flush=True)");
  EXPECT_EQ(spent(),
            "a line of the program does not fit: it has an outcome of an SMS that the program does not have");
}

TEST_F(CommandTest, IsSpentByASecondOutcome) {
  serve(simple);
  EXPECT_EQ(sent(1,
                 "print(json.dumps({'id': sms['id'], 'outcome': 'accepted'}), flush=True);"
                 "print(json.dumps({'id': sms['id'], 'outcome': 'accepted'}), flush=True)"),
            "accepted");
  EXPECT_EQ(spent(),
            "a line of the program does not fit: it has an outcome of an SMS that the program does not have");
}

TEST_F(CommandTest, IsSpentByALineWithoutEnd) {
  serve(simple);
  auto outcome = give(1, "print('x' * 20000, end='', flush=True)");
  EXPECT_EQ(spent(), "a line of the program does not fit: it has more than 16384 bytes");
}

TEST_F(CommandTest, IsSpentByTheEndOfItsProgramAfterItsLastLines) {
  serve(simple);
  EXPECT_EQ(
      sent(1, "print(json.dumps({'id': sms['id'], 'outcome': 'refused', 'reason': 'no'})); sys.exit(3)"),
      "refused: no");
  EXPECT_EQ(spent(), "the program ended with status 3");
}

TEST_F(CommandTest, CannotStartWithoutAFirstLineThatFits) {
  EXPECT_EQ(failure("print('hello', flush=True)\ntime.sleep(60)\n"),
            "the first line of the program does not fit: it is not one JSON object");
}

TEST_F(CommandTest, CannotStartWithAProgramThatEnds) {
  EXPECT_EQ(failure("sys.exit(4)\n"), "the program ended with status 4");
}

TEST_F(CommandTest, TakesAnSmsWithoutOutcomeForUnknownAndALateOutcomeForNothing) {
  serve(simple);
  EXPECT_EQ(sent(1, "late = sms['id']", 200ms), "unknown: the program gave no outcome by the deadline");
  EXPECT_EQ(sent(2,
                 "print(json.dumps({'id': late, 'outcome': 'accepted'}), flush=True);"
                 "print(json.dumps({'id': sms['id'], 'outcome': 'accepted'}), flush=True)"),
            "accepted");
}

TEST_F(CommandTest, AsksItsProgramForItsHealth) {
  serve(
      "print('{\"smsd\":1}', flush=True)\n"
      "sys.stdin.readline()\n"
      "print('{\"health\":\"broken\",\"reason\":\"no credit\"}', flush=True)\n"
      "sys.stdin.readline()\n"
      "print('{\"health\":\"ready\"}', flush=True)\n"
      "sys.stdin.read()\n");
  EXPECT_EQ(dispatcher.health().wait(io.waitScope).broken, "no credit");
  EXPECT_EQ(dispatcher.health().wait(io.waitScope).broken, "");
}

TEST_F(CommandTest, CallsABusyProgramAsWellAsItWas) {
  serve("print('{\"smsd\":1}', flush=True)\nsys.stdin.read()\n");
  auto busy = give(1, "alert", 2500ms);
  EXPECT_EQ(dispatcher.health().wait(io.waitScope).broken, "") << "before the supervisor loses its patience";
  EXPECT_EQ(test::said(busy.wait(io.waitScope)), "unknown: the program gave no outcome by the deadline");
}

TEST_F(CommandTest, IsSpentByAnIdleProgramThatIsMute) {
  serve("print('{\"smsd\":1}', flush=True)\nsys.stdin.read()\n");
  auto health = dispatcher.health();
  EXPECT_EQ(spent(), "the program did not answer a health query within 4 s");
}

TEST_F(CommandTest, IsSpentByAProgramThatStaysMuteWhenItsSmsHasEnded) {
  serve(
      "print('{\"smsd\":1}', flush=True)\n"
      "for line in sys.stdin:\n"
      "    sms = json.loads(line)\n"
      "    if sms['type'] == 'sms':\n"
      "        print(json.dumps({'id': sms['id'], 'outcome': 'accepted'}), flush=True)\n");
  auto busy = give(1);
  auto first = dispatcher.health();
  EXPECT_EQ(test::said(busy.wait(io.waitScope)), "accepted");
  EXPECT_EQ(first.wait(io.waitScope).broken, "") << "it may have been busy";
  auto second = dispatcher.health();
  auto late = io.provider->getTimer().afterDelay(20 * kj::SECONDS).then([]() { return std::string("late"); });
  EXPECT_EQ(dispatcher.spent().exclusiveJoin(kj::mv(late)).wait(io.waitScope),
            "the program did not answer a health query within 4 s");
}

TEST_F(CommandTest, DrainsItsProgramByTheEndOfItsInput) {
  const auto fifo = folder.path / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const int read = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  serve(std::string(simple) + "time.sleep(0.3)\nos.write(os.open('" + fifo.string() +
            "', os.O_WRONLY), b'drained')\n",
        "devices: [" + fifo.string() + "]\n");
  EXPECT_EQ(sent(1, "print(json.dumps({'id': sms['id'], 'outcome': 'accepted'}), flush=True)"), "accepted");
  dispatcher.stop();
  char buffer[16];
  EXPECT_EQ(::read(read, buffer, sizeof buffer), 7);
  ::close(read);
}

}  // namespace
}  // namespace smsd::command
