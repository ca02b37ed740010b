// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/queue/postgresql/pace.h"

#include "supervisor/queue/postgresql/sql-pace.h"
#include "supervisor/queue/postgresql/values.h"

namespace smsd::queue::postgresql {

void readPaces(Transaction& tx, const std::vector<std::string>& recipients, PaceRecords& known) {
  if (recipients.empty()) return;
  ArrayLiteral literal;
  for (const auto& recipient : recipients) {
    literal.addBytes(recipient);
    known[recipient].reset();
  }
  using Column = sql::PaceOf;
  for (const auto& row : tx.run(sql::paceOf, literal.str()))
    known[recipients[static_cast<std::size_t>(row.integer(Column::n)) - 1]] =
        pace::Record{.wait = Duration(row.integer(Column::wait)),
                     .hourAge = Duration(row.integer(Column::hourAge)),
                     .sent = static_cast<int>(row.integer(Column::sent))};
}

void recordPaces(Transaction& tx, const std::vector<Settlement>& settlements,
                 const std::unordered_set<SubmissionId>& ended) {
  std::map<std::string, pace::PaceRules> left;  // by recipient, because a statement changes a row once
  for (const auto& settlement : settlements)
    if (settlement.pacing && settlement.fate == Fate::sent && ended.contains(settlement.submission.id))
      left.emplace(settlement.submission.recipient, *settlement.pacing);
  if (left.empty()) return;
  std::vector<std::string> names;
  for (const auto& [recipient, rules] : left) names.push_back(recipient);
  PaceRecords former;
  readPaces(tx, names, former);
  ArrayLiteral recipients, waits, ages, sent;
  for (const auto& [recipient, rules] : left) {
    const pace::Record next = pace::after(former[recipient], rules);
    recipients.addBytes(recipient);
    waits.add(std::int64_t{next.wait.count()});
    ages.add(std::int64_t{next.hourAge.count()});
    sent.add(next.sent);
  }
  std::optional<int> exempt;
  if (const int most = left.begin()->second.exempt; most > 0) exempt = most;
  tx.run(sql::recordPace, recipients.str(), waits.str(), ages.str(), sent.str(), exempt);
}

}  // namespace smsd::queue::postgresql
