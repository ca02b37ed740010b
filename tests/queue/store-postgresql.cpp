// SPDX-License-Identifier: GPL-3.0-or-later
// A database of its own on the shared throw-away cluster: NAV's schema, smsd installed, and queues that
// connect as a role with nothing but the privileges that the installation advises. See store.h.
#include "tests/queue/store-postgresql.h"

#include <atomic>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "supervisor/queue/built-in.h"

namespace smsd::queue {

namespace {

constexpr const char* templateName = "smsd_template";

std::string navSchema() {
  std::ostringstream text;
  text << std::ifstream(SMSD_NAV_SCHEMA).rdbuf();
  if (text.str().empty()) throw std::runtime_error("cannot read " SMSD_NAV_SCHEMA);
  return text.str();
}

}  // namespace

void execute(const std::string& connection, const std::string& statements) {
  pqxx::connection session(connection);
  pqxx::nontransaction(session).exec(statements);
}

void installAdvised(const std::string& connection) {
  InstallOptions options;
  options.indexes = options.notify = InstallOptions::Extra::make;
  options.role = "smsd";
  for (const auto& statement : installPostgresql(connection, options).advice) execute(connection, statement);
}

namespace {

void makeTemplate(const Cluster& cluster) {
  execute(cluster.connection("postgres"), "CREATE ROLE smsd LOGIN");
  execute(cluster.connection("postgres"), std::string("CREATE DATABASE ") + templateName);
  execute(cluster.connection(templateName), navSchema());
  installAdvised(cluster.connection(templateName));
}

std::string makeDatabase(const std::string& how) {
  static std::atomic<int> count = 0;
  Cluster& cluster = Cluster::shared();
  static bool once = (makeTemplate(cluster), true);
  (void)once;
  std::string name = "case" + std::to_string(++count);
  execute(cluster.connection("postgres"), "CREATE DATABASE " + name + " " + how);
  return name;
}

}  // namespace

PostgresqlStore::PostgresqlStore(Scene scene) {
  if (scene == Scene::sqlAscii) {
    name_ = makeDatabase("TEMPLATE template0 ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C'");
    execute(connection("postgres"), navSchema());
    installAdvised(connection("postgres"));
  } else {
    name_ = makeDatabase(scene == Scene::empty ? "" : std::string("TEMPLATE ") + templateName);
    if (scene == Scene::nav)
      execute(connection("postgres"),
              "DROP SCHEMA smsd CASCADE; DROP INDEX profiles.smsq_unsent_order, profiles.smsq_unsent_phone");
  }
  // A copy of a database does not inherit its settings.
  if (scene != Scene::empty)
    execute(connection("postgres"), "ALTER DATABASE " + name_ + " SET search_path = profiles, public");
  raw_ = std::make_unique<pqxx::connection>(connection("postgres"));
}

PostgresqlStore::~PostgresqlStore() {
  raw_.reset();
  execute(Cluster::shared().connection("postgres"), "DROP DATABASE " + name_ + " WITH (FORCE)");
}

std::string PostgresqlStore::connection(const std::string& user) const {
  return Cluster::shared().connection(name_, user);
}

std::unique_ptr<Queue> PostgresqlStore::open() { return openPostgresql(connection("smsd")); }

std::vector<std::vector<std::string>> PostgresqlStore::sql(const std::string& statement) {
  std::vector<std::vector<std::string>> rows;
  pqxx::nontransaction work(*raw_);
  for (const auto& row : work.exec(statement)) {
    auto& values = rows.emplace_back();
    for (const auto& field : row) values.emplace_back(field.is_null() ? "NULL" : field.c_str());
  }
  return rows;
}

std::string PostgresqlStore::timeAgo(std::chrono::seconds age) const {
  return "localtimestamp - interval '" + std::to_string(age.count()) + " seconds'";
}

void PostgresqlStore::step(std::chrono::seconds ahead) {
  for (const auto& column : sql("SELECT table_name, column_name FROM information_schema.columns "
                                "WHERE table_schema = 'smsd' AND data_type = 'timestamp with time zone'"))
    sql("UPDATE smsd." + column[0] + " SET " + column[1] + " = " + column[1] + " - interval '" +
        std::to_string(ahead.count()) + " seconds'");
}

bool PostgresqlStore::silenceInserts() {
  sql("ALTER TABLE profiles.smsq DISABLE TRIGGER smsd_notify");
  return true;
}

namespace {

const StoreRegistration registered("postgresql", []() -> std::unique_ptr<Store> {
  return std::make_unique<PostgresqlStore>();
});

}  // namespace

}  // namespace smsd::queue
