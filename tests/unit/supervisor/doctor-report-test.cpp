// SPDX-License-Identifier: GPL-3.0-or-later
// The report of `smsctl doctor`: what it says of a thing that it could not look at, its order, its forms.
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "supervisor/smsctl/doctor/report.h"
#include "tests/unit/supervisor/healthy-host.h"

namespace smsd::smsctl::doctor {
namespace {

TEST(DoctorChecks, NameWhatTheyCouldNotLookAt) {
  struct Unseen {
    std::function<void(Facts&)> hide;
    const char* what;
    const char* how;
  };
  for (const auto& row : {
           Unseen{[](Facts& f) {
                    f.isRoot = false;
                    f.processes[1].seen = false;
                  },
                  "the lock of gateway", "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.check.done = false; }, "as smsd reads it", "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.files[0].readable = std::nullopt; }, "can use its files",
                  "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.files[5].there = false, f.files[5].hidden = true; }, "can use its files",
                  "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.sockets[1].there = false, f.sockets[1].hidden = true; },
                  "/run/smsd/gateway.sock", "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.devices[0].there = false, f.devices[0].hidden = true; },
                  "opened /dev/ttyUSB0", "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.queue.state = QueueFacts::State::notLooked; }, "the queue",
                  "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.queue.state = QueueFacts::State::notThere; }, "the queue", "start smsd"},
           Unseen{[](Facts& f) { f.systemd.runs = false; }, "units", "where systemd runs smsd"},
           Unseen{[](Facts& f) { f.systemd.ofThisConfig = false; }, "units", "where systemd runs smsd"},
           Unseen{[](Facts& f) {
                    f.dispatchers[0].fileRead = false;
                    f.dispatchers[0].named.clear();
                  },
                  "the credentials of gateway", "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.others.navThere = false; }, "NAV's list", "smsctl doctor --nav FOLDER"},
           Unseen{[](Facts& f) { f.devices[0].allSeen = false; }, "opened /dev/ttyUSB0",
                  "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.certificates[0].expires = std::nullopt; }, "the expiry of",
                  "openssl x509"},
           Unseen{[](Facts& f) { f.clock.synchronised = std::nullopt; }, "a time service", "timedatectl"},
           Unseen{[](Facts& f) {
                    f.daemon.answer = DaemonFacts::Answer::denied;
                    f.daemon.dispatchers.clear();
                  },
                  "what smsd reports", "sudo smsctl doctor"},
       }) {
    Facts facts = healthy();
    row.hide(facts);
    const Report report = examine(facts);
    EXPECT_EQ(report.findings.size(), 0u) << row.what << "\n" << textOf(report);
    ASSERT_EQ(report.unchecked.size(), 1u) << row.what << "\n" << textOf(report);
    EXPECT_NE(report.unchecked[0].what.find(row.what), std::string::npos) << report.unchecked[0].what;
    EXPECT_NE(report.unchecked[0].how.find(row.how), std::string::npos) << report.unchecked[0].how;
  }
}

TEST(DoctorReport, SaysHowMuchThisUserCouldNotCheck) {
  Facts facts = healthy();
  facts.clock.synchronised = std::nullopt;  // not for anybody to find out on this host
  EXPECT_EQ(examine(facts).status(), 0);
  EXPECT_TRUE(textOf(examine(facts)).ends_with("doctor found nothing wrong\n"));
  facts.isRoot = false;
  facts.check.done = false;
  facts.queue.state = QueueFacts::State::notLooked;
  const Report report = examine(facts);
  EXPECT_EQ(report.closed(), 2u) << textOf(report);
  EXPECT_EQ(report.status(), 2);
  EXPECT_TRUE(textOf(report).ends_with(
      "doctor found nothing wrong, but this user could not check 2 things: run it as root\n"))
      << textOf(report);
  const auto json = nlohmann::json::parse(jsonOf(report));
  EXPECT_EQ(json.at("not_checked").at(0).at("because_of_this_user"), true);
  facts.processes[1].coreAllowed = true;
  EXPECT_EQ(examine(facts).status(), 1);
}

TEST(DoctorReport, AdvisesRootNotToRunItAsRoot) {
  Facts facts = healthy();
  facts.check.done = false;
  const Report report = examine(facts);
  EXPECT_EQ(report.unchecked.size(), 1u) << textOf(report);
  EXPECT_EQ(report.status(), 0);
  EXPECT_TRUE(textOf(report).ends_with("doctor found nothing wrong\n")) << textOf(report);
}

TEST(DoctorReport, FindsNoFaultInAStateFolderThatSmsdMakesAtItsStart) {
  Facts facts = healthy();
  facts.files[5].there = false;
  ASSERT_EQ(facts.files[5].role, FileFacts::Role::stateFolder);
  const auto isFound = [&facts]() {
    return textOf(examine(facts)).find("folder-not-writable") != std::string::npos;
  };
  EXPECT_TRUE(isFound()) << "smsd runs, and its folder is gone";
  facts.daemon = {};
  EXPECT_FALSE(isFound()) << textOf(examine(facts));
  facts.files[5].writable = false;
  EXPECT_TRUE(isFound()) << "smsd cannot make it";
}

TEST(DoctorReport, HasTheWorstFirstAndCommandsForTheConfigurationThatItExamined) {
  Facts facts = healthy();
  facts.config = "/srv/my smsd.yaml";
  facts.certificates[0].expires = facts.clock.now + 24h;  // a warning
  facts.processes[1].coreAllowed = true;                  // an error of the last group
  facts.queue.found.condition.missingPrivileges =
      "\x1b[2Jx";  // an error before it, with what must not reach a terminal
  const Report report = examine(facts);
  const std::string text = textOf(report);
  EXPECT_LT(text.find("error    grants-missing"), text.find("error    core-dumps")) << text;
  EXPECT_LT(text.find("error    core-dumps"), text.find("warning  certificate-expires")) << text;
  EXPECT_NE(text.find("smsctl --config '/srv/my smsd.yaml' reload"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_TRUE(text.ends_with("doctor found 2 errors and 1 warning\n")) << text;
  const auto json = nlohmann::json::parse(jsonOf(report));
  EXPECT_EQ(json.at("format"), 1);
  EXPECT_EQ(json.at("findings").at(0).at("fault"), "grants-missing");
  EXPECT_EQ(json.at("findings").at(0).at("group"), "queue");
  EXPECT_EQ(json.at("findings").at(2).at("level"), "warning");
  EXPECT_EQ(textOf(examine(healthy())).substr(0, 9), "fine     ");
  EXPECT_EQ(nlohmann::json::parse(jsonOfKinds()).at("faults").size(), faultKinds().size());
}

}  // namespace
}  // namespace smsd::smsctl::doctor
