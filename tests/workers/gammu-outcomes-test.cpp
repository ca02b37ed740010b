// SPDX-License-Identifier: GPL-3.0-or-later
// What numbers mean: entry by entry, and as the manual prints it.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "workers/gammu/outcomes.h"

namespace smsd::gammu {
namespace {

using Numbers = std::map<OutcomeKind, std::set<int>>;

Numbers numbersOf(Source source) {
  Numbers result;
  for (auto& row : table())
    if (row.source == source) result[row.kind].insert(row.number);
  return result;
}

TEST(GammuOutcomes, HasEachCmsNumberWhereItBelongs) {
  const Numbers expected = {
      {OutcomeKind::refused,
       {1, 10, 21, 128, 129, 130, 143, 144, 159, 160, 161, 175, 176, 195, 196, 304, 305}},
      {OutcomeKind::broken,
       {8, 28, 50, 69, 145, 193, 198, 199, 303, 310, 311, 312, 313, 315, 316, 317, 318, 330}},
      {OutcomeKind::unknown, {197, 332, 500}},
      {OutcomeKind::deferred,
       {17,  22,  27,  29,  30,  38,  41,  42,  47,  81,  95,  96,  97,  98,  99,  111, 127, 192,
        194, 208, 209, 210, 211, 212, 213, 255, 300, 301, 302, 314, 320, 321, 322, 331, 340}}};
  EXPECT_EQ(numbersOf(Source::cms), expected);
}

TEST(GammuOutcomes, HasEachCmeNumberWhereItBelongs) {
  const Numbers expected = {
      {OutcomeKind::refused, {24, 25, 26, 27, 50}},
      {OutcomeKind::broken, {4, 5, 6, 7, 10, 11, 12, 13, 15, 16, 17, 18, 32, 40, 41, 42, 43, 44, 45, 46, 47}},
      {OutcomeKind::unknown, {31, 100}},
      {OutcomeKind::deferred, {0, 1, 2, 3, 14, 20, 21, 22, 23, 30}}};
  EXPECT_EQ(numbersOf(Source::cme), expected);
}

// All of them come before anything was handed over.
TEST(GammuOutcomes, HasEachErrorOfLibgammuWhereItBelongs) {
  const Numbers expected = {
      {OutcomeKind::broken, {2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 18, 19, 21, 23, 31, 35, 49}},
      {OutcomeKind::deferred, {11, 12, 14, 16, 27, 33, 34, 56, 66, 69, 70, 73}}};
  EXPECT_EQ(numbersOf(Source::gammu), expected);
}

TEST(GammuOutcomes, HasEachEventWhereItBelongs) {
  const std::map<Event, OutcomeKind> expected = {{Event::noDevice, OutcomeKind::broken},
                                                 {Event::noPermission, OutcomeKind::broken},
                                                 {Event::held, OutcomeKind::broken},
                                                 {Event::mute, OutcomeKind::broken},
                                                 {Event::noSim, OutcomeKind::broken},
                                                 {Event::simFailed, OutcomeKind::broken},
                                                 {Event::simBusy, OutcomeKind::deferred},
                                                 {Event::pinMissing, OutcomeKind::broken},
                                                 {Event::pinRefused, OutcomeKind::broken},
                                                 {Event::pinTriesUsed, OutcomeKind::broken},
                                                 {Event::pinTriesUnknown, OutcomeKind::broken},
                                                 {Event::pukNeeded, OutcomeKind::broken},
                                                 {Event::notRegistered, OutcomeKind::deferred},
                                                 {Event::registrationDenied, OutcomeKind::broken},
                                                 {Event::noCentre, OutcomeKind::broken},
                                                 {Event::noPrompt, OutcomeKind::deferred},
                                                 {Event::errorAtPrompt, OutcomeKind::deferred},
                                                 {Event::errorAfterText, OutcomeKind::unknown},
                                                 {Event::bareOk, OutcomeKind::unknown},
                                                 {Event::contradiction, OutcomeKind::unknown},
                                                 {Event::silence, OutcomeKind::unknown},
                                                 {Event::unpluggedBefore, OutcomeKind::deferred},
                                                 {Event::unpluggedAfter, OutcomeKind::unknown},
                                                 {Event::partOnly, OutcomeKind::unknown},
                                                 {Event::badNumber, OutcomeKind::refused},
                                                 {Event::tooLong, OutcomeKind::refused}};
  std::map<Event, OutcomeKind> found;
  for (auto& row : table())
    if (row.source == Source::worker) found[static_cast<Event>(row.number)] = row.kind;
  EXPECT_EQ(found, expected);
  for (auto& [event, kind] : expected) EXPECT_EQ(finding(event).kind, kind);
}

TEST(GammuOutcomes, SaysTheNumberWithItsMeaning) {
  EXPECT_EQ(finding(Source::cms, 38).reason, "CMS 38: the network is out of order");
  EXPECT_EQ(finding(Source::cme, 10).reason, "CME 10: no SIM");
  EXPECT_EQ(finding(Source::gammu, 14).reason, "no answer in time");
}

TEST(GammuOutcomes, TakesANumberOnNoListByItsRange) {
  for (int number : {0, 2, 16, 100, 126})
    EXPECT_EQ(finding(Source::cms, number).kind, OutcomeKind::deferred) << number;
  for (int number : {131, 200, 224, 254})
    EXPECT_EQ(finding(Source::cms, number).kind, OutcomeKind::deferred) << number;
  for (int number : {256, 299, 350, 512, 65535, -7})
    EXPECT_EQ(finding(Source::cms, number).kind, OutcomeKind::unknown) << number;
  for (int number : {8, 33, 101, 772, -1})
    EXPECT_EQ(finding(Source::cme, number).kind, OutcomeKind::unknown) << number;
  EXPECT_EQ(finding(Source::gammu, 36).kind, OutcomeKind::deferred);
}

TEST(GammuOutcomes, AreThoseOfTheManualRowByRow) {
  const std::map<Source, std::string> labels = {
      {Source::cms, "CMS "}, {Source::cme, "CME "}, {Source::gammu, "libgammu "}, {Source::worker, "seen"}};
  std::set<std::string> rows;
  for (auto& row : table()) {
    std::string number = row.source == Source::worker ? "" : std::to_string(row.number);
    EXPECT_TRUE(rows.insert(".It " + labels.at(row.source) + number + " Ta " + row.words + " Ta " +
                            std::string(name(row.kind)))
                    .second)
        << row.words << " is there twice";
  }
  std::set<std::string> printed;
  std::ifstream page(SMSD_SOURCE_DIR "/man/smsd-gammu.7");
  for (std::string line; std::getline(page, line);)
    for (auto& [source, label] : labels)
      if (line.starts_with(".It " + label) && line.find(" Ta ") != std::string::npos) printed.insert(line);
  EXPECT_EQ(printed, rows);
}

}  // namespace
}  // namespace smsd::gammu
