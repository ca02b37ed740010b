// SPDX-License-Identifier: GPL-3.0-or-later
// The shared object: opens the queue, and installs the schema smsd_outbox (outbox.sql, built in).
#include <smsd/queue/queue-object.h>
#include "outbox-queue.h"
#include "outbox-sql.h"

namespace gammu_outbox {
namespace {

using Kind = QueueError::Kind;

std::string replaced(std::string text, const std::string& word, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size())
    text.replace(at, word.size(), by);
  return text;
}

/// Returns the schema of gammu's tables, quoted.
std::string gammuSchema(Transaction& tx) {
  if (tx.flag("SELECT to_regclass('outbox') IS NULL OR to_regclass('sentitems') IS NULL OR "
              "to_regclass('outbox_multipart') IS NULL"))
    throw QueueError(
        Kind::notInstalled,
        "there are no tables outbox, outbox_multipart and sentitems: name the database of gammu-smsd "
        "in queue.connection, or create its tables (pgsql.sql of the package gammu-smsd)");
  return tx.text(
      "SELECT quote_ident(relnamespace::regnamespace::name) FROM pg_class WHERE oid = "
      "'outbox'::regclass");
}

std::vector<std::string> grants(Transaction& tx, const std::string& schema, const std::string& role) {
  const std::string to = " TO " + (role.empty() ? std::string("<role>") : tx.quotedName(role));
  const std::string outbox = schema + ".outbox";
  std::vector<std::string> grants{
      "GRANT USAGE ON SCHEMA " + schema + ", smsd_outbox" + to,
      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA smsd_outbox" + to,
      "GRANT USAGE ON ALL SEQUENCES IN SCHEMA smsd_outbox" + to,
      "GRANT SELECT (\"ID\", \"SendingTimeOut\"), UPDATE (\"SendingTimeOut\") ON " + outbox + to,
      "GRANT INSERT (\"DestinationNumber\", \"TextDecoded\", \"CreatorID\", \"Coding\") ON " + outbox + to};
  const auto sequence = tx.text("SELECT coalesce(pg_get_serial_sequence('outbox', 'ID'), '')");
  if (!sequence.empty()) grants.push_back("GRANT USAGE ON SEQUENCE " + sequence + to);
  return grants;
}

/// Runs the GRANTs. Creates the role if there is none, without a password: for peer authentication.
void runGrants(Transaction& tx, const std::string& role, InstallReport& report) {
  if (tx.number("SELECT count(*) FROM pg_roles WHERE rolname = $1", role) == 0) {
    tx.run(("CREATE ROLE " + tx.quotedName(role) + " LOGIN").c_str());
    report.done.push_back("the role " + role);
  }
  for (const auto& line : report.advice) tx.run(line.c_str());
  report.advice.clear();
  report.granted = role;
}

/// Returns the connection with another role: of two settings, the later one counts.
std::string withRole(const std::string& connection, const std::string& role) {
  if (role.empty()) return connection;
  if (connection.find("://") != std::string::npos)
    throw QueueError(Kind::invalid,
                     "--as needs a connection of keywords and values, not a URI: for example "
                     "\"host=/run/postgresql dbname=smsd\"");
  std::string quoted;
  for (char c : role) quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return connection + " user='" + quoted + "'";
}

std::unique_ptr<Queue> open(const std::string& connection) {
  return std::make_unique<OutboxQueue>(connection);
}

}  // namespace

/// Creates the schema completely or not at all; runs the GRANTs, or returns them as advice.
InstallReport install(const std::string& connection, const InstallOptions& options) {
  using Extra = InstallOptions::Extra;
  if (options.tables == Extra::make)
    throw QueueError(
        Kind::invalid,
        "--tables is not for this queue: pgsql.sql of the package gammu-smsd creates its tables");
  return Session(withRole(connection, options.connectAs)).transact([&](Transaction& tx) {
    InstallReport report;
    tx.run("SELECT 1 FROM pg_advisory_xact_lock(hashtext('smsd_outbox install'))");
    const std::string schema = gammuSchema(tx);
    if (tx.flag("SELECT to_regclass('smsd_outbox.installation') IS NULL")) {
      tx.run(replaced(outboxSql, "@GAMMU@", schema).c_str());
      report.done.push_back("the schema smsd_outbox, and triggers on outbox, outbox_multipart and sentitems");
    }
    report.advice = grants(tx, schema, options.role);
    if (options.grants == Extra::make) runGrants(tx, options.role, report);
    return report;
  });
}

}  // namespace gammu_outbox

SMSD_QUEUE(gammu_outbox::open, gammu_outbox::install);
