// SPDX-License-Identifier: GPL-3.0-or-later
// NAV's hand on a throw-away database: what is the same for every backend. See store.h.
#include "tests/queue/suite/store.h"

#include <stdexcept>

namespace smsd::queue {

namespace {

std::string literal(const std::string& text) {
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

std::string literal(const std::optional<int>& number) { return number ? std::to_string(*number) : "NULL"; }

std::optional<int> number(const std::string& text) {
  if (text == "NULL") return std::nullopt;
  return std::stoi(text);
}

}  // namespace

format::MessageId Store::put(const NavRow& row) {
  return std::stoll(one("INSERT INTO smsq (accountid, time, phone, msg, severity) VALUES (" +
                        literal(row.account) + ", " + timeAgo(row.age) + ", " + literal(row.phone) + ", " +
                        literal(row.text) + ", " + literal(row.severity) + ") RETURNING id"));
}

FoundRow Store::row(format::MessageId id) {
  auto rows =
      sql("SELECT sent, smsid, timesent, severity, phone, msg FROM smsq WHERE id = " + std::to_string(id));
  if (rows.empty()) throw std::runtime_error("no message " + std::to_string(id));
  const auto& found = rows.front();
  return {found[0].at(0), number(found[1]), found[2] != "NULL", number(found[3]), found[4], found[5]};
}

std::map<std::string, StoreRegistration::Make>& StoreRegistration::all() {
  static std::map<std::string, Make> stores;
  return stores;
}

std::string Store::one(const std::string& statement) {
  auto rows = sql(statement);
  if (rows.size() != 1) throw std::runtime_error(std::to_string(rows.size()) + " rows: " + statement);
  return rows.front().front();
}

}  // namespace smsd::queue
