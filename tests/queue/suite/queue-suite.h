// SPDX-License-Identifier: GPL-3.0-or-later
// The ground of every case of the suite: a fresh database of the backend that the case is run for, one
// enlisted queue on it, and formatters simple enough to be read in an expectation. Cases that need more than
// one supervisor skip a backend that has one only.
//
// The suite is the definition of a queue in tests. The program of a backend links its cases
// (tests/queue/suite/*.cpp), gtest_main, its backend, and one file that registers its store (store.h).
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/queue/suite/store.h"

namespace smsd::queue {

using namespace std::chrono_literals;

inline constexpr Duration longLease = 1h;

class QueueSuite : public testing::TestWithParam<std::string> {
 protected:
  QueueSuite() : store_(StoreRegistration::all().at(GetParam())()) {
    queue_ = store_->open();
    me_ = queue_->enlist("here", longLease);
  }

  Store& store() { return *store_; }
  Queue& queue() { return *queue_; }
  SupervisorId me() const { return me_; }

  /// The supervisor dies without a word, and comes back under its name.
  void crashAndComeBack() {
    queue_.reset();
    queue_ = store_->open();
    me_ = queue_->enlist("here", longLease);
  }

  ClaimResult claim(std::size_t limit = 100, Look look = Look::onward) {
    return queue_->claim(request(limit, look));
  }

  static ClaimRequest request(std::size_t limit = 100, Look look = Look::onward);
  static Settlement accepted(const Submission& submission, const std::string& reference = "");
  static Settlement ignored(const Submission& submission, const std::string& reason = "bad number");
  static Settlement returned(const Submission& submission, std::optional<Duration> wait = std::nullopt);
  static Settlement held(const Submission& submission, const std::string& reason = "no answer");
  static std::vector<std::string> recipients(const std::vector<Submission>& submissions);

 private:
  std::unique_ptr<Store> store_;
  std::unique_ptr<Queue> queue_;
  SupervisorId me_ = 0;
};

/// All texts, joined by a bar; all of them are in the SMS.
format::FormattedSms joined(const std::vector<format::Message>& messages);
/// The first text; the others are ignored, or carried.
format::FormattedSms firstAndIgnore(const std::vector<format::Message>& messages);
format::FormattedSms firstAndCarry(const std::vector<format::Message>& messages);

/// Asks again and again what only the database can make true; false when it never comes true.
bool eventually(const std::function<bool()>& condition);

/// Runs what should be refused; nullopt when it was not.
std::optional<QueueError::Kind> refusal(const std::function<void()>& call, std::string* what = nullptr);

std::vector<std::string> storeNames();
std::string backendName(const testing::TestParamInfo<std::string>& info);

#define SMSD_FOR_EACH_BACKEND(Suite) \
  INSTANTIATE_TEST_SUITE_P(Backend, Suite, testing::ValuesIn(storeNames()), backendName)

/// SQLite lets one supervisor at a time enlist on a file: there is nobody to race with.
#define SMSD_NEEDS_SEVERAL_SUPERVISORS() \
  if (!store().shared()) GTEST_SKIP() << "one file takes one enlisted supervisor at a time"

}  // namespace smsd::queue
