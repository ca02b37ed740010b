// SPDX-License-Identifier: GPL-3.0-or-later
// A database of its own on a throw-away cluster: gammu-smsd's tables, this queue installed, and queues that
// connect as a role with nothing but the privileges that the installation gives. See
// tests/queue/suite/store.h.
#pragma once

#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include <smsd/queue/suite/store.h>

namespace gammu_outbox {

class GammuStore : public smsd::queue::Store {
 public:
  GammuStore();
  ~GammuStore() override;

  std::string connection(const std::string& user) const;
  std::unique_ptr<smsd::queue::Queue> open() override;
  std::vector<std::vector<std::string>> sql(const std::string& statement) override;
  std::string timeAgo(std::chrono::seconds age) const override;
  std::string own(const std::string& table) const override { return "smsd_outbox." + table; }
  void startIdsOver() override { sql("TRUNCATE outbox, outbox_multipart, sentitems RESTART IDENTITY"); }
  void startOwnIdsOver() override {
    sql("TRUNCATE smsd_outbox.submission, smsd_outbox.live RESTART IDENTITY");
  }
  void step(std::chrono::seconds ahead) override;
  bool shared() const override { return true; }
  std::size_t longestRecipient() const override { return 20; }
  std::size_t longestText() const override { return 16'384; }
  bool silenceInserts() override;

 private:
  std::string name_;
  std::unique_ptr<pqxx::connection> raw_;
};

/// Runs statements on a connection of their own.
void execute(const std::string& connection, const std::string& statements);
/// A database with gammu's tables alone. Returns its name; the cluster keeps it.
std::string makeGammuDatabase(const std::string& name);

}  // namespace gammu_outbox
