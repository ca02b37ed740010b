// SPDX-License-Identifier: GPL-3.0-or-later
// The verdict table, cell by cell: every outcome in every situation.
//
// The table below is the contract, written down without looking at the code: one row for each rule, `any`
// where a thing does not matter. Every one of the cells is met by exactly one row, and the code says what
// that row says.
#include "supervisor/delivery/verdict.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace smsd::delivery {
namespace {

using Kind = OutcomeKind;

enum Is { no, yes, any };

struct Row {
  const char* rule;
  std::vector<Kind> kinds;
  Is begun;        // the worker had touched it
  Is tooOften;     // it came back untouched more often than is borne
  Is othersLeft;   // a usable dispatcher has not been tried in this round
  Is allRefused;   // every configured dispatcher has refused it
  Is knowsKeys;    // the gateway drops a second request with the same key
  Is holds;        // the policy for its severity is to hold it
  Is repeatedOut;  // this dispatcher left it unknown as often in this round as is borne
  Verdict verdict;
  Is answered = any;  // with success, and not understood
  Is repeated = any;  // an attempt before this one was
  Is nothing = any;   // as all answers that this dispatcher got of late
};

const std::vector<Kind> everything = {Kind::accepted, Kind::refused, Kind::deferred, Kind::broken,
                                      Kind::unknown};

const std::vector<Row> table = {
    // What was never begun says nothing of the way out, whatever the word for it is.
    {"untouched", everything, no, no, any, any, any, any, any, Verdict::sameDispatcher},
    {"untouched again and again", everything, no, yes, yes, any, any, any, any, Verdict::otherDispatcher},
    {"untouched everywhere", everything, no, yes, no, any, any, any, any, Verdict::nextRound},

    {"taken", {Kind::accepted}, yes, any, any, any, any, any, any, Verdict::sent},

    // C18: a bad number is tried elsewhere, and is nobody else's trouble.
    {"refused, another is left",
     {Kind::refused},
     yes,
     any,
     yes,
     any,
     any,
     any,
     any,
     Verdict::otherDispatcher},
    {"refused by all", {Kind::refused}, yes, any, no, yes, any, any, any, Verdict::ignored},
    {"refused, and others could not be asked",
     {Kind::refused},
     yes,
     any,
     no,
     no,
     any,
     any,
     any,
     Verdict::nextRound},

    // C14: the next one gets it at once. What was not sent is not held.
    {"not sent, another is left",
     {Kind::deferred, Kind::broken},
     yes,
     any,
     yes,
     any,
     any,
     any,
     any,
     Verdict::otherDispatcher},
    {"not sent by any", {Kind::deferred, Kind::broken}, yes, any, no, any, any, any, any, Verdict::nextRound},

    // C12: NAV sends at once through the next dispatcher what the first one may have sent.
    {"maybe sent, and the policy holds", {Kind::unknown}, yes, any, any, any, any, yes, any, Verdict::held},
    {"maybe sent, the copy is dropped",
     {Kind::unknown},
     yes,
     any,
     any,
     any,
     yes,
     no,
     no,
     Verdict::sameDispatcher,
     no,
     no},
    {"maybe sent, another is left",
     {Kind::unknown},
     yes,
     any,
     yes,
     any,
     no,
     no,
     no,
     Verdict::otherDispatcher,
     no,
     no},
    {"maybe sent, nobody else",
     {Kind::unknown},
     yes,
     any,
     no,
     any,
     no,
     no,
     no,
     Verdict::sameDispatcher,
     no,
     no},
    {"never known here, another is left",
     {Kind::unknown},
     yes,
     any,
     yes,
     any,
     any,
     no,
     yes,
     Verdict::otherDispatcher,
     no,
     no},
    {"never known here, nobody else",
     {Kind::unknown},
     yes,
     any,
     no,
     any,
     any,
     no,
     yes,
     Verdict::nextRound,
     no,
     no},

    // An answer is not silence: the SMS is repeated once, wherever that may be understood, and then held.
    {"maybe sent, and this was the repetition",
     {Kind::unknown},
     yes,
     any,
     any,
     any,
     any,
     no,
     any,
     Verdict::held,
     any,
     yes},
    {"not understood, another is left",
     {Kind::unknown},
     yes,
     any,
     yes,
     any,
     any,
     no,
     any,
     Verdict::otherDispatcher,
     yes,
     no},
    {"not understood, nobody else",
     {Kind::unknown},
     yes,
     any,
     no,
     any,
     any,
     no,
     any,
     Verdict::sameDispatcher,
     yes,
     no,
     no},
    {"nothing understood, nobody else",
     {Kind::unknown},
     yes,
     any,
     no,
     any,
     any,
     no,
     any,
     Verdict::held,
     yes,
     no,
     yes},
};

struct Cell {
  Kind kind;
  bool begun, tooOften, othersLeft, allRefused, knowsKeys, holds, repeatedOut, answered, repeated, nothing;

  std::string text() const {
    std::string said(name(kind));
    auto add = [&said](bool is, const char* words) { said += std::string(is ? ", " : ", not ") + words; };
    add(begun, "begun");
    add(tooOften, "given back too often");
    add(othersLeft, "others left");
    add(allRefused, "refused by all");
    add(knowsKeys, "keys known");
    add(holds, "held by policy");
    add(repeatedOut, "repeated out");
    add(answered, "answered");
    add(repeated, "answered before");
    add(nothing, "nothing understood");
    return said;
  }
};

std::vector<Cell> cells() {
  std::vector<Cell> all;
  for (Kind kind : everything)
    for (unsigned bits = 0; bits < 1024; ++bits) {
      auto bit = [bits](unsigned n) { return (bits >> n & 1) != 0; };
      all.push_back({kind, bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), bit(6), bit(7), bit(8), bit(9)});
    }
  return all;
}

bool meets(const Row& row, const Cell& cell) {
  auto is = [](Is wanted, bool found) { return wanted == any || (wanted == yes) == found; };
  return std::count(row.kinds.begin(), row.kinds.end(), cell.kind) != 0 && is(row.begun, cell.begun) &&
         is(row.tooOften, cell.tooOften) && is(row.othersLeft, cell.othersLeft) &&
         is(row.allRefused, cell.allRefused) && is(row.knowsKeys, cell.knowsKeys) &&
         is(row.holds, cell.holds) && is(row.repeatedOut, cell.repeatedOut) &&
         is(row.answered, cell.answered) && is(row.repeated, cell.repeated) && is(row.nothing, cell.nothing);
}

Situation situationOf(const Cell& cell) {
  Situation situation;
  situation.begun = cell.begun ? Begun::yes : Begun::no;
  situation.givenBack = mostGivenBack + (cell.tooOften ? 1 : 0);
  situation.othersLeft = cell.othersLeft;
  situation.everyoneRefused = cell.allRefused;
  situation.sameKnowsKeys = cell.knowsKeys;
  situation.holds = cell.holds;
  situation.unknownsHere = repeatsPerRound + (cell.repeatedOut ? 1 : 0);
  situation.notUnderstood = cell.repeated ? 1 : 0;
  situation.understandsNothing = cell.nothing;
  return situation;
}

Outcome outcomeOf(const Cell& cell) {
  return {.kind = cell.kind, .words = "why", .reply = cell.answered ? Reply::notUnderstood : Reply::none};
}

TEST(Verdict, EveryCellIsMetByExactlyOneRule) {
  for (const Cell& cell : cells()) {
    int rules = 0;
    for (const Row& row : table) rules += meets(row, cell) ? 1 : 0;
    EXPECT_EQ(rules, 1) << cell.text();
  }
}

TEST(Verdict, EveryCellIsJudgedAsItsRuleSays) {
  EXPECT_EQ(cells().size(), 5120u);
  for (const Cell& cell : cells())
    for (const Row& row : table)
      if (meets(row, cell)) {
        EXPECT_EQ(verdict(outcomeOf(cell), situationOf(cell)), row.verdict)
            << row.rule << ": " << cell.text();
      }
}

// The bounds themselves: the first time is as good as the last that is borne.
TEST(Verdict, IsTheSameUpToTheBound) {
  for (int times = 1; times <= mostGivenBack; ++times)
    EXPECT_EQ(
        verdict({Kind::deferred, "", {}, {}}, {.begun = Begun::no, .givenBack = times, .othersLeft = true}),
        Verdict::sameDispatcher);
  for (int times = 1; times <= repeatsPerRound; ++times)
    EXPECT_EQ(verdict({Kind::unknown, "", {}, {}}, {.sameKnowsKeys = true, .unknownsHere = times}),
              Verdict::sameDispatcher);
}

}  // namespace
}  // namespace smsd::delivery
