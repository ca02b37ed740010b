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

Numbers numbersOf(ErrorSource source) {
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
  EXPECT_EQ(numbersOf(ErrorSource::cms), expected);
}

TEST(GammuOutcomes, HasEachCmeNumberWhereItBelongs) {
  const Numbers expected = {
      {OutcomeKind::refused, {24, 25, 26, 27, 50}},
      {OutcomeKind::broken, {4, 5, 6, 7, 10, 11, 12, 13, 15, 16, 17, 18, 32, 40, 41, 42, 43, 44, 45, 46, 47}},
      {OutcomeKind::unknown, {31, 100}},
      {OutcomeKind::deferred, {0, 1, 2, 3, 14, 20, 21, 22, 23, 30}}};
  EXPECT_EQ(numbersOf(ErrorSource::cme), expected);
}

// All of them come before anything was handed over.
TEST(GammuOutcomes, HasEachErrorOfLibgammuWhereItBelongs) {
  const Numbers expected = {
      {OutcomeKind::broken, {2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 18, 19, 21, 23, 31, 35, 49}},
      {OutcomeKind::deferred, {11, 12, 14, 16, 27, 33, 34, 56, 66, 69, 70, 73}}};
  EXPECT_EQ(numbersOf(ErrorSource::gammu), expected);
}

TEST(GammuOutcomes, HasEachEventWhereItBelongs) {
  const std::map<ModemEvent, OutcomeKind> expected = {{ModemEvent::noDevice, OutcomeKind::broken},
                                                      {ModemEvent::noPermission, OutcomeKind::broken},
                                                      {ModemEvent::inUse, OutcomeKind::broken},
                                                      {ModemEvent::mute, OutcomeKind::broken},
                                                      {ModemEvent::noSim, OutcomeKind::broken},
                                                      {ModemEvent::simFailed, OutcomeKind::broken},
                                                      {ModemEvent::simBusy, OutcomeKind::deferred},
                                                      {ModemEvent::pinMissing, OutcomeKind::broken},
                                                      {ModemEvent::pinRefused, OutcomeKind::broken},
                                                      {ModemEvent::pinTriesUsed, OutcomeKind::broken},
                                                      {ModemEvent::pinTriesUnknown, OutcomeKind::broken},
                                                      {ModemEvent::pukNeeded, OutcomeKind::broken},
                                                      {ModemEvent::notRegistered, OutcomeKind::deferred},
                                                      {ModemEvent::registrationDenied, OutcomeKind::broken},
                                                      {ModemEvent::noCentre, OutcomeKind::broken},
                                                      {ModemEvent::noPrompt, OutcomeKind::deferred},
                                                      {ModemEvent::errorAtPrompt, OutcomeKind::deferred},
                                                      {ModemEvent::errorAfterText, OutcomeKind::unknown},
                                                      {ModemEvent::bareOk, OutcomeKind::unknown},
                                                      {ModemEvent::contradiction, OutcomeKind::unknown},
                                                      {ModemEvent::silence, OutcomeKind::unknown},
                                                      {ModemEvent::unpluggedBefore, OutcomeKind::deferred},
                                                      {ModemEvent::unpluggedAfter, OutcomeKind::unknown},
                                                      {ModemEvent::partOnly, OutcomeKind::unknown},
                                                      {ModemEvent::badNumber, OutcomeKind::refused},
                                                      {ModemEvent::tooLong, OutcomeKind::refused}};
  std::map<ModemEvent, OutcomeKind> found;
  for (auto& row : table())
    if (row.source == ErrorSource::worker) found[static_cast<ModemEvent>(row.number)] = row.kind;
  EXPECT_EQ(found, expected);
  for (auto& [event, kind] : expected) EXPECT_EQ(outcomeOf(event).kind, kind);
}

TEST(GammuOutcomes, SaysTheNumberWithItsMeaning) {
  EXPECT_EQ(outcomeOf(ErrorSource::cms, 38).words, "CMS 38: the network is out of order");
  EXPECT_EQ(outcomeOf(ErrorSource::cme, 10).words, "CME 10: no SIM");
  EXPECT_EQ(outcomeOf(ErrorSource::gammu, 14).words, "no answer in time");
}

TEST(GammuOutcomes, TakesANumberOnNoListByItsRange) {
  for (int number : {0, 2, 16, 100, 126})
    EXPECT_EQ(outcomeOf(ErrorSource::cms, number).kind, OutcomeKind::deferred) << number;
  for (int number : {131, 200, 224, 254})
    EXPECT_EQ(outcomeOf(ErrorSource::cms, number).kind, OutcomeKind::deferred) << number;
  for (int number : {256, 299, 350, 512, 65535, -7})
    EXPECT_EQ(outcomeOf(ErrorSource::cms, number).kind, OutcomeKind::unknown) << number;
  for (int number : {8, 33, 101, 772, -1})
    EXPECT_EQ(outcomeOf(ErrorSource::cme, number).kind, OutcomeKind::unknown) << number;
  EXPECT_EQ(outcomeOf(ErrorSource::gammu, 36).kind, OutcomeKind::deferred);
}

TEST(GammuOutcomes, AreThoseOfTheManualRowByRow) {
  const std::map<ErrorSource, std::string> labels = {{ErrorSource::cms, "CMS "},
                                                     {ErrorSource::cme, "CME "},
                                                     {ErrorSource::gammu, "libgammu "},
                                                     {ErrorSource::worker, "seen"}};
  std::set<std::string> rows;
  for (auto& row : table()) {
    std::string number = row.source == ErrorSource::worker ? "" : std::to_string(row.number);
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
