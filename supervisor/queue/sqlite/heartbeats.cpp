// SPDX-License-Identifier: GPL-3.0-or-later
// The heartbeats of other programs on a queue in a file. See supervisor/queue/heartbeats.h.
//
// Called through queue.h. Fails as described there.
#include "supervisor/queue/heartbeat-rows.h"
#include "supervisor/queue/sqlite/queue.h"
#include "supervisor/queue/sqlite/sql-heartbeats.h"
#include "supervisor/queue/sqlite/sql-nav.h"

namespace smsd::queue::sqlite {
namespace {

BeatMessages takeBeats(Session& session, const HeartbeatLook::Watched& watched, const Now& now) {
  BeatMessages taken;
  for (const auto& number : watched.numbers) {
    auto row = session.query(sql::takeBeats);
    for (row.bind(watched.name, now.text, number); row.next(); ++taken.count) {
      const std::int64_t age = row.optionalInteger(sql::BeatRows::age).value_or(0);
      taken.age = std::min(taken.age.value_or(age), age);
    }
  }
  return taken;
}

}  // namespace

HeartbeatsSeen SqliteQueue::lookAtHeartbeats(const HeartbeatLook& look) {
  return on([&](Session& session) {
    Transaction tx(session);
    passFence(session);
    const Now now = clock(session);
    HeartbeatsSeen result;
    result.offer = HeartbeatsSeen::Offer::watched;
    for (const auto& watched : look.heartbeats) {
      session.query(sql::knowHeartbeat).bind(watched.name, now.ms).run();
      const BeatMessages messages = takeBeats(session, watched, now);
      result.taken += messages.count;
      const HeartbeatRecord record = [&] {
        auto row = session.query(sql::heartbeats);
        row.bind(watched.name, now.ms).next();
        return heartbeatRecord(row, messages);
      }();
      const HeartbeatVerdict verdict = look.judge(record);
      session.query(sql::writeHeartbeat)
          .bind(record.name, std::int64_t{verdict.waited.count()}, now.ms,
                static_cast<std::int64_t>(messages.count), messages.age, nameOf(verdict.change))
          .run();
      if (const auto& message = verdict.message)
        session.query(sql::insert)
            .bind(message->account, now.text, message->recipient, message->text, message->severity)
            .number();
      result.seen.push_back({record, verdict});
    }
    tx.commit();
    return result;
  });
}

bool SqliteQueue::beat(const std::string& name) {
  return on([&](Session& session) {
    Transaction tx(session);
    session.query(sql::beat).bind(name, clock(session).ms).run();
    tx.commit();
    return true;
  });
}

}  // namespace smsd::queue::sqlite
