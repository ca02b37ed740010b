// SPDX-License-Identifier: GPL-3.0-or-later
// Alerts that programs submit. See supervisor/queue/intake.h.
//
// Owns the order of the statements of one submission: keys, resolutions, messages. Called through queue.h,
// also on a connection that is not enlisted. Fails as described there. A submission that meets a deadlock is
// repeated, because nothing of it is left.
#include <algorithm>
#include <map>
#include <set>

#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/sql-heartbeats.h"
#include "supervisor/queue/postgresql/sql-intake.h"
#include "supervisor/queue/postgresql/values.h"
#include "supervisor/queue/rows.h"

namespace smsd::queue::postgresql {

namespace {

using Result = AlertFate::Result;

constexpr int mostTries = 5;

struct Known {
  format::MessageId message = 0;
  std::int64_t stamp = 0;
};

/// Parallel arrays of messages, sorted by id, each once.
struct Messages {
  std::map<format::MessageId, std::int64_t> stamps;
  void add(const Known& known) { stamps[known.message] = known.stamp; }
  bool empty() const { return stamps.empty(); }
  std::string ids() const {
    ArrayLiteral literal;
    for (const auto& [id, stamp] : stamps) literal.add(id);
    return literal.str();
  }
  std::string stampList() const {
    ArrayLiteral literal;
    for (const auto& [id, stamp] : stamps) literal.add(stamp);
    return literal.str();
  }
};

/// A part of the alerts in which no alert depends on another one of the part.
class Wave {
 public:
  Wave(Transaction& tx, const std::vector<NewAlert>& alerts, std::vector<AlertFate>& fates, Duration dedupe,
       std::optional<std::size_t> width)
      : tx_(tx), alerts_(alerts), fates_(fates), dedupe_(dedupe), width_(width) {}

  /// Returns false if the alert has to wait for the next wave.
  bool add(std::size_t n) {
    const NewAlert& alert = alerts_[n];
    if (!alert.cancels.empty() && keys_.contains(identityOf(alert, alert.cancels))) return false;
    if (!alert.key.empty()) {
      const std::string identity = identityOf(alert, alert.key);
      if (auto first = keys_.find(identity); first != keys_.end()) {
        // One that resolves has to see what the first one left.
        if (!alert.cancels.empty()) return false;
        copies_.emplace_back(n, first->second);
        return true;
      }
      keys_.emplace(identity, n);
    }
    if (!alert.cancels.empty()) cancelled_.emplace(identityOf(alert, alert.cancels));
    members_.push_back(n);
    return true;
  }

  void submit() {
    takeKeys();
    resolve();
    put();
    bindKeys();
    for (const auto& [copy, first] : copies_) {
      fates_[copy] = fates_[first];
      if (fates_[first].result == Result::queued) fates_[copy].result = Result::duplicate;
      if (fates_[first].message != 0) ++repeats_[fates_[first].message];
    }
    countRepeats();
  }

 private:
  void takeKeys();
  void resolve();
  void lockAndResolve(const std::map<std::size_t, Known>& earlier);
  void put();
  void bindKeys();
  void countRepeats();
  std::map<std::string, Known> kept(const std::set<std::string>& identities);
  bool isOpen(std::size_t n) const { return !settled_.contains(n); }
  void settle(std::size_t n, Result result, const Known& known) {
    settled_.insert(n);
    fates_[n] = {result, known.message};
    if (known.message != 0) known_[known.message] = known.stamp;
  }

  Transaction& tx_;
  const std::vector<NewAlert>& alerts_;
  std::vector<AlertFate>& fates_;
  const Duration dedupe_;
  const std::optional<std::size_t> width_;
  std::vector<std::size_t> members_;
  std::map<std::string, std::size_t> keys_;  // the member that has this key
  std::set<std::string> cancelled_;
  std::vector<std::pair<std::size_t, std::size_t>> copies_;  // and the member that each repeats
  std::set<std::size_t> settled_;
  std::map<format::MessageId, std::int64_t> known_;  // the stamps of messages in fates
  std::map<format::MessageId, std::int64_t> repeats_;
};

template <typename Range>
std::string identitiesOf(const Range& identities) {
  ArrayLiteral literal;
  for (const auto& identity : identities) literal.add(identity);
  return literal.str();
}

std::map<std::string, Known> Wave::kept(const std::set<std::string>& identities) {
  std::map<std::string, Known> found;
  if (identities.empty()) return found;
  for (const auto& row : tx_.run(sql::keptKeys, identitiesOf(identities)))
    found[row.text(sql::KeptKeys::identity)] = {row.integer(sql::KeptKeys::message),
                                                row.integer(sql::KeptKeys::stamp)};
  return found;
}

void Wave::takeKeys() {
  if (keys_.empty()) return;
  std::set<std::string> others;
  for (const auto& [identity, n] : keys_) others.insert(identity);
  for (const auto& row : tx_.run(sql::ownKeys, identitiesOf(others), boundedMilliseconds(dedupe_)))
    others.erase(row.text(sql::OwnKeys::identity));
  const auto found = kept(others);
  for (const std::string& identity : others) {
    const auto known = found.find(identity);
    settle(keys_.at(identity), Result::duplicate, known == found.end() ? Known{} : known->second);
    if (known != found.end()) ++repeats_[known->second.message];
  }
}

void Wave::resolve() {
  if (cancelled_.empty()) return;
  const auto found = kept(cancelled_);
  std::map<std::size_t, Known> earlier;
  for (const std::size_t n : members_) {
    if (!isOpen(n) || alerts_[n].cancels.empty()) continue;
    if (const auto known = found.find(identityOf(alerts_[n], alerts_[n].cancels)); known != found.end())
      earlier[n] = known->second;
  }
  if (!earlier.empty()) lockAndResolve(earlier);
  for (const std::size_t n : members_)
    if (isOpen(n) && alerts_[n].text.empty()) settle(n, Result::notSent, {});
}

/// No supervisor claims a locked recipient, so the earlier alert either leaves, or is resolved.
void Wave::lockAndResolve(const std::map<std::size_t, Known>& earlier) {
  Messages messages;
  std::map<format::MessageId, std::string> resolvers;
  for (const auto& [n, known] : earlier) {
    messages.add(known);
    const auto& [caller, label] = std::tie(alerts_[n].caller, alerts_[n].label);
    resolvers.emplace(known.message, label.empty() ? caller : caller + " (" + label + ")");
  }
  std::set<std::string> recipients;
  for (const auto& row : tx_.run(sql::unsentOf, messages.ids(), messages.stampList()))
    recipients.insert(row.text(sql::Unsent::phone));
  std::set<format::MessageId> resolved;
  if (!recipients.empty()) {
    std::set<std::string> locked;
    for (const auto& row : tx_.run(sql::lockRecipients, arrayOf(recipients)))
      locked.insert(row.text(sql::LockedRecipients::recipient));
    Messages free;
    for (const auto& [n, known] : earlier)
      if (locked.contains(alerts_[n].recipient)) free.add(known);
    if (!free.empty())
      for (const auto& row : tx_.run(sql::resolve, free.ids(), free.stampList()))
        resolved.insert(row.integer(sql::Resolved::id));
    if (!locked.empty()) tx_.run(sql::unlockRecipients, arrayOf(locked));
  }
  if (!resolved.empty()) {
    Messages noted;
    ArrayLiteral by;
    for (const format::MessageId id : resolved) {
      noted.add({id, messages.stamps.at(id)});
      by.add(resolvers.at(id));
    }
    tx_.run(sql::noteResolver, noted.ids(), by.str(), noted.stampList());
  }
  if (resolved.size() < messages.stamps.size())
    for (const auto& row : tx_.run(sql::resolvedBefore, messages.ids(), messages.stampList()))
      resolved.insert(row.integer(sql::Resolved::id));
  for (const auto& [n, known] : earlier)
    if (resolved.contains(known.message)) settle(n, Result::cancelled, known);
}

void Wave::put() {
  std::vector<std::size_t> put;
  for (const std::size_t n : members_)
    if (isOpen(n)) put.push_back(n);
  if (put.empty()) return;
  ArrayLiteral phones, texts, severities, ids, stamps, callers, labels, groups, keys, whole, expiries;
  for (const std::size_t n : put) {
    const NewAlert& alert = alerts_[n];
    std::u32string characters;
    const bool tooLong =
        width_ && alert.text.size() > *width_ && (characters = text::decode(alert.text)).size() > *width_;
    phones.add(alert.recipient);
    texts.add(tooLong ? text::encode(characters.substr(0, *width_)) : alert.text);
    severities.add(alert.severity);
    callers.add(alert.caller);
    labels.add(alert.label);
    groups.add(alert.group);
    keys.add(alert.key);
    whole.add(tooLong ? alert.text : std::string());
    expiries.add(alert.expiresIn);
  }
  std::size_t at = 0;
  for (const auto& row : tx_.run(sql::putMessages, phones.str(), texts.str(), severities.str())) {
    const Known known{row.integer(sql::Put::id), row.integer(sql::Put::stamp)};
    ids.add(known.message);
    stamps.add(known.stamp);
    settle(put.at(at++), Result::queued, known);
  }
  tx_.run(sql::putAlerts, ids.str(), stamps.str(), callers.str(), labels.str(), groups.str(), keys.str(),
          whole.str(), expiries.str());
}

/// A key whose alert was not put into the queue is that of the message which it resolved.
void Wave::bindKeys() {
  ArrayLiteral identities, messages, stamps;
  std::set<std::string> unused;
  bool any = false;
  for (const auto& [identity, n] : keys_) {
    if (fates_[n].result == Result::duplicate) continue;
    if (fates_[n].result == Result::notSent) {
      unused.insert(identity);
      continue;
    }
    any = true;
    identities.add(identity);
    messages.add(fates_[n].message);
    stamps.add(known_.at(fates_[n].message));
  }
  if (any) tx_.run(sql::bindKeys, identities.str(), messages.str(), stamps.str());
  if (!unused.empty()) tx_.run(sql::forgetKeys, identitiesOf(unused));
}

void Wave::countRepeats() {
  if (repeats_.empty()) return;
  Messages messages;
  ArrayLiteral counts;
  for (const auto& [id, count] : repeats_) {
    messages.add({id, known_.at(id)});
    counts.add(count);
  }
  tx_.run(sql::countRepeats, messages.ids(), messages.stampList(), counts.str());
}

}  // namespace

Submitted PostgresqlQueue::submit(const std::vector<NewAlert>& alerts, Duration dedupe) {
  for (int tries = 1;; ++tries) try {
      return session_.transact([&](Transaction& tx) {
        Submitted result;
        const auto may = tx.run(sql::mayTakeAlerts, schema::withoutAlerts + 1);
        result.offer = !may.empty() && may.front().flag(sql::MayTake::yes) ? Submitted::Offer::taken
                                                                           : Submitted::Offer::notYet;
        if (result.offer != Submitted::Offer::taken) return result;
        std::optional<std::size_t> width;
        if (const auto found = may.front().optionalInt(sql::MayTake::width))
          width = static_cast<std::size_t>(*found);
        result.fates.resize(alerts.size());
        for (std::size_t n = 0; n < alerts.size();) {
          Wave wave(tx, alerts, result.fates, dedupe, width);
          while (n < alerts.size() && wave.add(n)) ++n;
          wave.submit();
        }
        if (!alerts.empty()) tx.run(sql::announce);
        return result;
      });
    } catch (const SqlError& error) {
      if (!error.state().starts_with("40") || tries == mostTries) throw;
    }
}

}  // namespace smsd::queue::postgresql
