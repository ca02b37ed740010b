// SPDX-License-Identifier: GPL-3.0-or-later
// A database of its own on the shared throw-away cluster. See store.h; the cases that are PostgreSQL's alone
// use it directly.
#pragma once

#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "tests/queue/cluster.h"
#include "tests/queue/suite/store.h"

namespace smsd::queue {

class PostgresqlStore : public Store {
 public:
  enum class Scene {
    installed,  // NAV's schema and all of ours
    nav,        // NAV's schema alone, as an installation finds it
    sqlAscii,   // as installed, in a database that takes any bytes for text
    empty,      // not even NAV
  };
  explicit PostgresqlStore(Scene scene = Scene::installed);
  ~PostgresqlStore() override;

  std::string connection(const std::string& user) const;
  std::unique_ptr<Queue> open() override;
  std::vector<std::vector<std::string>> sql(const std::string& statement) override;
  std::string timeAgo(std::chrono::seconds age) const override;
  std::string own(const std::string& table) const override { return "smsd." + table; }
  void startIdsOver() override { sql("TRUNCATE smsq RESTART IDENTITY"); }
  void startOwnIdsOver() override { sql("TRUNCATE smsd.submission, smsd.live RESTART IDENTITY"); }
  void step(std::chrono::seconds ahead) override;
  bool shared() const override { return true; }
  bool complete() const override { return true; }
  bool silenceInserts() override;

 private:
  std::string name_;
  std::unique_ptr<pqxx::connection> raw_;
};

void execute(const std::string& connection, const std::string& statements);
/// The installation with everything, and the GRANTs it advises for the role smsd.
void installAdvised(const std::string& connection);

}  // namespace smsd::queue
