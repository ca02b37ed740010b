// SPDX-License-Identifier: GPL-3.0-or-later
// Alerts that programs submit, on a queue in a file. See supervisor/queue/intake.h.
//
// smsq.msg holds any text here, so it has the whole one. Called through queue.h. Fails as described there.
#include <fmt/format.h>

#include "supervisor/queue/sqlite/claim.h"
#include "supervisor/queue/sqlite/queue.h"
#include "supervisor/queue/sqlite/sql-intake.h"
#include "supervisor/queue/sqlite/sql-nav.h"
#include "supervisor/queue/sqlite/stamp.h"

namespace smsd::queue::sqlite {
namespace {

using Result = AlertFate::Result;

struct Known {
  format::MessageId message = 0;
  std::int64_t stamp = 0;
  bool counts = false;  // an alert with its key is a duplicate
};

/// One alert after the other, inside one transaction.
class Intake {
 public:
  Intake(Session& session, const Now& now, Duration dedupe) : session_(session), now_(now), dedupe_(dedupe) {}

  AlertFate submit(const NewAlert& alert) {
    if (!alert.key.empty())
      if (const auto known = kept(alert, alert.key); known && known->counts) {
        session_.query(sql::countRepeat).bind(known->message, known->stamp, now_.ms).run();
        return {Result::duplicate, known->message};
      }
    if (!alert.cancels.empty())
      if (const auto known = kept(alert, alert.cancels); known && resolve(alert, *known)) {
        bindKey(alert, known->message, known->stamp);
        return {Result::cancelled, known->message};
      }
    if (alert.text.empty()) return {Result::notSent, 0};
    return {Result::queued, put(alert)};
  }

 private:
  std::optional<Known> kept(const NewAlert& alert, const std::string& key) {
    using Column = sql::KeptKey;
    auto row = session_.query(sql::keptKey);
    if (!row.bind(identityOf(alert, key), now_.ms, std::int64_t{dedupe_.count()}).next()) return std::nullopt;
    return Known{row.integer(Column::message), row.integer(Column::stamp), row.flag(Column::counts)};
  }

  /// Returns whether the earlier alert is resolved now: by this call, or by an earlier one.
  bool resolve(const NewAlert& alert, const Known& known) {
    if (session_.query(sql::resolve).bind(now_.text, known.message, known.stamp).run() == 0)
      return session_.query(sql::resolvedBefore).bind(known.message, known.stamp).next();
    recordIgnored(session_, {known.message}, "resolved", now_);
    session_.query(sql::noteResolver)
        .bind(known.message, known.stamp,
              alert.label.empty() ? alert.caller : fmt::format("{} ({})", alert.caller, alert.label))
        .run();
    return true;
  }

  format::MessageId put(const NewAlert& alert) {
    const format::MessageId id =
        session_.query(sql::insert)
            .bind(std::optional<int>(), now_.text, alert.recipient, alert.text, alert.severity)
            .number();
    const std::int64_t stamp = stampOf(now_.text, alert.recipient, alert.text);
    std::optional<std::int64_t> expires;
    if (alert.expiresIn) expires = now_.ms + alert.expiresIn->count();
    session_.query(sql::putAlert)
        .bind(id, stamp, alert.caller, alert.label, alert.group, alert.key, expires, now_.ms)
        .run();
    bindKey(alert, id, stamp);
    return id;
  }

  void bindKey(const NewAlert& alert, format::MessageId message, std::int64_t stamp) {
    if (!alert.key.empty())
      session_.query(sql::bindKey).bind(identityOf(alert, alert.key), message, stamp, now_.ms).run();
  }

  Session& session_;
  const Now& now_;
  const Duration dedupe_;
};

}  // namespace

Submitted SqliteQueue::submit(const std::vector<NewAlert>& alerts, Duration dedupe) {
  return on([&](Session& session) {
    Transaction tx(session);
    const Now now = clock(session);
    Intake intake(session, now, dedupe);
    Submitted result;
    result.offer = Submitted::Offer::taken;
    result.fates.reserve(alerts.size());
    for (const NewAlert& alert : alerts) result.fates.push_back(intake.submit(alert));
    tx.commit();
    return result;
  });
}

}  // namespace smsd::queue::sqlite
