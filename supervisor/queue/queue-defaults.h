// SPDX-License-Identifier: GPL-3.0-or-later
// The default implementations of operations of a queue, if they take more than a line.
//
// Part of the interface of a queue (queue.h, which includes this file at its end). Each uses other operations
// of the queue, and so several transactions.
#pragma once

#include "supervisor/queue/queue.h"

namespace smsd::queue {

inline Cancelled Queue::cancelChosen(const Choice& choice, Cancel cancel, std::size_t listed) {
  constexpr std::size_t most = 1'000'000;
  if (cancel == Cancel::act && choice.message == 0 && !choice.recipient)
    return cancelAndList(choice.minimumAge, listed);
  if (choice.minimumAge > Duration::zero())
    throw QueueError(QueueError::Kind::failed, "this queue cannot choose messages by their age");
  std::vector<StoredMessage> found;
  if (choice.message != 0) {
    if (auto life = explain(choice.message)) found.push_back(life->message);
  } else {
    found = choice.recipient ? messagesOf(*choice.recipient, SentStatus::unsent)
                             : messages(SentStatus::unsent, most);
  }
  Cancelled cancelled;
  for (StoredMessage& message : found) {
    if (message.status != SentStatus::unsent || message.underWay || message.held) continue;
    if (choice.recipient && message.recipient != *choice.recipient) continue;
    if (cancel == Cancel::act && setStatus(message.id, SentStatus::ignored, 0) == 0) continue;
    if (cancel == Cancel::act) message.status = SentStatus::ignored;
    if (++cancelled.count <= listed) cancelled.messages.push_back(std::move(message));
  }
  return cancelled;
}

inline Restored Queue::restore(format::MessageId id, std::optional<Duration>) {
  const auto life = explain(id);
  if (!life) return {};
  Restored restored{Restored::Result::notIgnored, life->message.recipient};
  restored.underWay = life->message.underWay;
  if (life->message.status == SentStatus::sent) restored.result = Restored::Result::sent;
  if (life->message.held) {
    restored.result = Restored::Result::held;
    if (!life->submissions.empty()) restored.held = life->submissions.back().id;
  }
  if (life->message.status != SentStatus::ignored) return restored;
  setStatus(id, SentStatus::unsent, life->smsid.value_or(0));
  restored.result = Restored::Result::restored;
  return restored;
}

}  // namespace smsd::queue
