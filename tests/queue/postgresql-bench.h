// SPDX-License-Identifier: GPL-3.0-or-later
// A queue in a throw-away PostgreSQL, for the tests of this backend alone.
#pragma once

#include <poll.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/queue/store-postgresql.h"
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

using Kind = QueueError::Kind;
using Scene = PostgresqlStore::Scene;

class Postgresql : public testing::Test {
 protected:
  explicit Postgresql(Scene scene = Scene::installed) : store_(scene) {}

  void enlist() {
    queue_ = store_.open();
    me_ = queue_->enlist("here", longLease);
  }

  /// As a restart of the server or an administrator does it.
  void cutConnections() {
    store_.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'smsd' AND datname "
        "= current_database()");
    ASSERT_TRUE(eventually([&] {
      return store_.one(
                 "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'smsd' AND datname = "
                 "current_database()") == "0";
    }));
  }

  /// Until a queue's session stands behind somebody else's lock.
  bool somebodyWaits() {
    return eventually([&] {
      return store_.one(
                 "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'smsd' AND wait_event_type "
                 "= "
                 "'Lock' AND datname = current_database()") == "1";
    });
  }

  static ClaimRequest request(Formatter format = joined) {
    ClaimRequest request;
    request.limit = 100;
    request.dispatcher = "modem";
    request.format = std::move(format);
    return request;
  }
  static Settlement accepted(const Submission& submission) {
    return {submission, Fate::sent, "accepted", "", "", std::nullopt};
  }

  std::string submit(const std::string& recipient) const {
    return "WITH live AS (INSERT INTO smsd.live (recipient, supervisor) VALUES ('" + recipient + "', " +
           std::to_string(me_) +
           ") RETURNING *) INSERT INTO smsd.submission (id, recipient, supervisor, dispatcher, attempt, "
           "rounds, text, sent_ids) SELECT submission, recipient, supervisor, 'modem', "
           "nextval('smsd.attempt_id'), 0, 'text', '{1}' FROM live";
  }

  bool newsWithin(std::chrono::milliseconds time) {
    pollfd ready{queue_->newsFd(), POLLIN, 0};
    return poll(&ready, 1, static_cast<int>(time.count())) == 1;
  }

  PostgresqlStore store_;
  std::unique_ptr<Queue> queue_;
  SupervisorId me_ = 0;
};

}  // namespace smsd::queue
