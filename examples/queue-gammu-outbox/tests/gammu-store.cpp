// SPDX-License-Identifier: GPL-3.0-or-later
#include "gammu-store.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include <smsd/queue/cluster.h>
#include "outbox-queue.h"

namespace gammu_outbox {
namespace {

using smsd::queue::Cluster;

std::string content(const char* file) {
  std::ostringstream text;
  text << std::ifstream(std::string(GAMMU_OUTBOX_TESTS) + "/" + file).rdbuf();
  if (text.str().empty()) throw std::runtime_error(std::string("cannot read ") + file);
  return text.str();
}

/// Installed once; each case gets a copy.
const char* preparedTemplate() {
  static const bool once = [] {
    makeGammuDatabase("gammu_template");
    execute(Cluster::shared().connection("postgres"), "CREATE ROLE smsd LOGIN");
    const std::string connection = Cluster::shared().connection("gammu_template");
    smsd::queue::InstallOptions options;
    options.role = "smsd";
    options.grants = smsd::queue::InstallOptions::Extra::make;
    install(connection, options);
    execute(connection, content("smsq-view.sql"));
    return true;
  }();
  static_cast<void>(once);
  return "gammu_template";
}

}  // namespace

void execute(const std::string& connection, const std::string& statements) {
  pqxx::connection session(connection);
  pqxx::nontransaction(session).exec(statements);
}

std::string makeGammuDatabase(const std::string& name) {
  execute(Cluster::shared().connection("postgres"), "CREATE DATABASE " + name);
  execute(Cluster::shared().connection(name), content("gammu-17.sql"));
  return name;
}

GammuStore::GammuStore() {
  static int count = 0;
  const char* prepared = preparedTemplate();
  name_ = "gammu" + std::to_string(++count);
  execute(Cluster::shared().connection("postgres"), "CREATE DATABASE " + name_ + " TEMPLATE " + prepared);
  raw_ = std::make_unique<pqxx::connection>(connection("postgres"));
}

GammuStore::~GammuStore() {
  raw_.reset();
  execute(Cluster::shared().connection("postgres"), "DROP DATABASE " + name_ + " WITH (FORCE)");
}

std::string GammuStore::connection(const std::string& user) const {
  return Cluster::shared().connection(name_, user);
}

std::unique_ptr<smsd::queue::Queue> GammuStore::open() {
  return std::make_unique<OutboxQueue>(connection("smsd"));
}

std::vector<std::vector<std::string>> GammuStore::sql(const std::string& statement) {
  std::vector<std::vector<std::string>> rows;
  pqxx::nontransaction work(*raw_);
  for (const auto& row : work.exec(statement)) {
    auto& values = rows.emplace_back();
    for (const auto& field : row) values.emplace_back(field.is_null() ? "NULL" : field.c_str());
  }
  return rows;
}

std::string GammuStore::timeAgo(std::chrono::seconds age) const {
  return "localtimestamp - interval '" + std::to_string(age.count()) + " seconds'";
}

void GammuStore::step(std::chrono::seconds ahead) {
  for (const auto& column :
       sql("SELECT table_name, column_name FROM information_schema.columns "
           "WHERE table_schema = 'smsd_outbox' AND data_type = 'timestamp with time zone'"))
    sql("UPDATE smsd_outbox." + column[0] + " SET " + column[1] + " = " + column[1] + " - interval '" +
        std::to_string(ahead.count()) + " seconds'");
}

bool GammuStore::silenceInserts() {
  sql("ALTER TABLE outbox DISABLE TRIGGER smsd_ring");
  return true;
}

}  // namespace gammu_outbox
