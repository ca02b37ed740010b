// SPDX-License-Identifier: GPL-3.0-or-later
// The calls of control.capnp that work on the queue. See session.h.
#include <fmt/format.h>
#include <proto/dispatcher.capnp.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>

#include "common/config/keys.h"
#include "common/kj/view.h"
#include "common/text/number-form.h"
#include "common/text/utf.h"
#include "supervisor/control/call-results.h"
#include "supervisor/control/queue-answers.h"
#include "supervisor/control/session.h"

namespace smsd::control {
namespace {

using queue::Queue;

constexpr std::size_t longestHeartbeat = 64;  // bytes; more than any heartbeat's name has
const std::string unkept = "the queue keeps no heartbeats, or its schema is older: run `smsctl db install`";

/// The numbers of a message, in one form.
struct Targets {
  std::vector<std::string> numbers;
  std::string problem;  // empty: there is one at least
};

Targets targetsOf(const std::string& recipient, const std::string& group, const config::Config& config) {
  if (group.empty()) {
    auto form = text::oneForm(recipient, config.country);
    if (!form.problem.empty()) return {{}, std::move(form.problem)};
    return {{std::move(form.number)}, ""};
  }
  if (!recipient.empty()) return {{}, "expected a number or a group, found both"};
  if (const auto* found = config::groupNamed(config, group)) return {found->numbers, ""};
  return {{}, fmt::format("there is no group {}", text::printable(group, longestHeartbeat))};
}

const char* statusWord(queue::SentStatus status) {
  switch (status) {
    case queue::SentStatus::unsent:
      return "unsent";
    case queue::SentStatus::sent:
      return "sent";
    case queue::SentStatus::ignored:
      break;
  }
  return "ignored";
}

/// The dispatchers of the attempts that are configured now.
std::vector<const keeper::Keeper*> dispatchersOf(const queue::MessageLife& life, const road::Road& road) {
  std::set<std::string> names;
  for (const auto& submission : life.submissions)
    for (const auto& attempt : submission.attempts) names.insert(attempt.dispatcher);
  std::vector<const keeper::Keeper*> found;
  for (const auto& keeper : road.dispatchers())
    if (names.count(keeper->name()) > 0) found.push_back(keeper.get());
  return found;
}

queue::Choice choiceOf(proto::Choice::Reader wire) {
  queue::Choice choice;
  choice.message = wire.getMessage();
  if (wire.getOfRecipient()) choice.recipient = textOf(wire.getRecipient());
  constexpr std::uint64_t most = std::chrono::milliseconds(std::chrono::hours(24 * 365 * 100)).count();
  choice.minimumAge = queue::Duration(std::min(wire.getMinimumAge(), most));
  return choice;
}

/// A part of a long list, trimmed where it was read, so that no more waits than is answered.
template <typename Record>
struct Page {
  std::vector<Record> records;
  bool more = false;
};

template <typename Record>
Page<Record> pageOf(std::vector<Record> found, std::size_t limit) {
  const std::size_t count = fitting(found, limit);
  Page<Record> page{{}, found.size() > count};
  found.resize(count);
  page.records = std::move(found);
  return page;
}

template <typename T>
std::size_t sizeOf(T& results) {
  return results.totalSize().wordCount * sizeof(capnp::word);
}

}  // namespace

rpc::Budget::Time Door::now() const {
  return rpc::Budget::Time((means_.timer.now() - kj::origin<kj::TimePoint>()) / kj::NANOSECONDS);
}

void Door::noteRead(const std::string& act) {
  if (const auto words = means_.notes.words(uid_, act, now())) subject_.log.operatorActed(*words, uid_);
}

kj::Promise<void> Door::send(SendContext context) {
  auto params = context.getParams();
  const std::string text = text::repair(textOf(params.getText()));
  if (text.empty()) return refuse(context, "expected a message, found nothing", proto::QueueFault::INVALID);
  const Targets targets =
      targetsOf(textOf(params.getRecipient()), textOf(params.getGroup()), subject_.road.config());
  if (!targets.problem.empty()) return refuse(context, targets.problem, proto::QueueFault::INVALID);
  std::vector<queue::NewMessage> messages;
  for (const auto& number : targets.numbers) {
    auto& message = messages.emplace_back(queue::NewMessage{std::nullopt, number, text, std::nullopt});
    if (params.getSeverity() > 0) message.severity = params.getSeverity();
  }
  return means_.questions
      .ask(
          small(), [messages](Queue& queue) { return queue.insert(messages); }, context,
          [&subject = subject_, &glance = means_.glance, uid = uid_,
           targets](const std::vector<format::MessageId>& ids) {
            glance.forget();
            for (std::size_t n = 0; n < ids.size() && n < targets.numbers.size(); ++n)
              subject.log.operatorSent(ids[n], targets.numbers[n], uid);
            subject.road.notice();
          })
      .then([this, context, text](kj::Maybe<std::vector<format::MessageId>> answer) mutable {
        KJ_IF_MAYBE (ids, answer) {
          auto results = context.getResults();
          results.setId(ids->at(0));
          auto list = results.initIds(static_cast<unsigned>(ids->size()));
          for (unsigned n = 0; n < list.size(); ++n) list.set(n, ids->at(n));
          const auto& rules = subject_.road.config().formatting;
          results.setParts(static_cast<std::uint32_t>(partsOfAll(text, rules)));
          results.setMaxParts(static_cast<std::uint32_t>(rules.maxParts));
        }
      });
}

kj::Promise<void> Door::heartbeat(HeartbeatContext context) {
  const std::string name = text::printable(textOf(context.getParams().getName()), longestHeartbeat);
  if (!subject_.heartbeats.expects(name))
    return refuse(context, fmt::format("no heartbeat {} is expected: `smsctl heartbeat` lists them", name));
  return means_.questions
      .ask(
          small(), [name](Queue& queue) { return queue.beat(name); }, context,
          [&subject = subject_](bool kept) {
            if (kept) subject.heartbeats.look();
          })
      .then([this, context](kj::Maybe<bool> answer) mutable {
        KJ_IF_MAYBE (kept, answer) {
          if (*kept) return;
          const std::string& why = subject_.heartbeats.problem();
          context.getResults().setFault(proto::QueueFault::NOT_INSTALLED);
          context.getResults().setProblem(view(why.empty() ? unkept : why));
        }
      });
}

kj::Promise<void> Door::list(ListContext context) {
  auto params = context.getParams();
  const auto status = statusOf(params.getStatus());
  const std::string recipient = textOf(params.getRecipient());
  if (!status || recipient.size() > proto::MAX_RECIPIENT)
    return refuse(context, "there is no such status or recipient");
  const std::size_t limit = mayList(params.getLimit());
  auto room = large();
  return means_.questions
      .ask(
          room,
          [status, recipient, limit](Queue& queue) {
            return pageOf(recipient.empty() ? queue.messages(*status, limit + 1)
                                            : queue.firstMessagesOf(recipient, *status, limit + 1),
                          limit);
          },
          context)
      .then([this, context, status, room](kj::Maybe<Page<queue::StoredMessage>> answer) mutable {
        KJ_IF_MAYBE (page, answer) {
          noteRead(fmt::format("list of {} messages", statusWord(*status)));
          auto results = context.getResults();
          results.setMore(page->more);
          write(results.initMessages(static_cast<unsigned>(page->records.size())), page->records);
          room->answered(sizeOf(results));
        }
      });
}

kj::Promise<void> Door::held(HeldContext context) {
  const std::size_t limit = mayList(context.getParams().getLimit());
  auto room = large();
  return means_.questions
      .ask(
          room, [limit](Queue& queue) { return pageOf(queue.held(limit + 1), limit); }, context)
      .then([this, context, room](kj::Maybe<Page<queue::HeldSms>> answer) mutable {
        KJ_IF_MAYBE (page, answer) {
          noteRead("list of held SMS");
          auto results = context.getResults();
          results.setMore(page->more);
          write(results.initHeld(static_cast<unsigned>(page->records.size())), page->records);
          room->answered(sizeOf(results));
        }
      });
}

kj::Promise<void> Door::release(ReleaseContext context) {
  const queue::SubmissionId id = context.getParams().getSubmission();
  return means_.questions
      .ask(
          small(), [id](Queue& queue) { return queue.release(id); }, context,
          [&subject = subject_, &glance = means_.glance, uid = uid_, id](std::size_t count) {
            if (count == 0) return;
            glance.forget();
            subject.log.operatorActed(fmt::format("release of the held SMS {}, with {} messages", id, count),
                                      uid);
            subject.road.notice();
          })
      .then([context](kj::Maybe<std::size_t> answer) mutable {
        KJ_IF_MAYBE (count, answer) context.getResults().setCount(*count);
      });
}

kj::Promise<void> Door::discard(DiscardContext context) {
  const queue::SubmissionId id = context.getParams().getSubmission();
  return means_.questions
      .ask(
          small(), [id](Queue& queue) { return queue.discard(id); }, context,
          [&subject = subject_, &glance = means_.glance, uid = uid_, id](std::size_t count) {
            glance.forget();
            if (count > 0)
              subject.log.operatorActed(
                  fmt::format("discard of the held SMS {}, with {} messages", id, count), uid);
          })
      .then([context](kj::Maybe<std::size_t> answer) mutable {
        KJ_IF_MAYBE (count, answer) context.getResults().setCount(*count);
      });
}

kj::Promise<void> Door::explain(ExplainContext context) {
  const format::MessageId id = context.getParams().getMessage();
  const auto longest = subject_.road.config().retry.maxDelay;
  auto room = large();
  return means_.questions
      .ask(
          room, [id, longest](Queue& queue) { return queue.explain(id, longest); }, context)
      .then([this, context, id, room](kj::Maybe<std::optional<queue::MessageLife>> answer) mutable {
        KJ_IF_MAYBE (life, answer) {
          noteRead(fmt::format("explain of message {}", id));
          if (!*life) return;
          auto results = context.getResults();
          auto builder = results.initLife();
          write(builder, **life);
          const auto& retry = subject_.road.config().retry;
          builder.setRetryLimit(static_cast<std::uint32_t>(std::max(retry.limit, 0)));
          builder.setGivesUp(retry.atLimit == config::AtLimit::ignore);
          if (retry.giveUpAfter) builder.setGiveUpAfter(retry.giveUpAfter->count());
          builder.setTooOld(isTooOld(**life, subject_.road.config().queue.expireAfter));
          const auto found = dispatchersOf(**life, subject_.road);
          auto list = results.initDispatchers(static_cast<unsigned>(found.size()));
          for (unsigned i = 0; i < list.size(); ++i) {
            list[i].setName(view(found[i]->name()));
            list[i].setKind(view(found[i]->kind()));
            list[i].setWorkerPid(static_cast<std::uint32_t>(found[i]->pid()));
            list[i].setSoftware(view(found[i]->traits().software));
          }
          room->answered(sizeOf(results));
        }
      });
}

kj::Promise<CancelEnd> Door::cancelNow(Questions::Room room, const queue::Choice& choice,
                                       std::size_t listed) {
  auto& log = subject_.log;
  return cancelInSteps(
             means_.questions, means_.timer, std::move(room), choice, listed,
             [&log, choice, uid = uid_](std::size_t count) { log.operatorCancels(choice, count, uid); })
      .then([&log, &glance = means_.glance, choice, uid = uid_](CancelEnd end) {
        glance.forget();
        if (!end.error || end.cancelled.count > 0) log.operatorCancelled(choice, end.cancelled, uid);
        return end;
      });
}

kj::Promise<void> Door::cancelChosen(CancelChosenContext context) {
  auto params = context.getParams();
  const queue::Choice choice = choiceOf(params.getChoice());
  const std::size_t limit = mayList(params.getListed());
  auto room = large();
  if (!params.getPreview())
    return cancelNow(room, choice, limit).then([context, limit, room](CancelEnd end) mutable {
      auto results = context.getResults();
      if (end.error) fail(results, *end.error);
      results.setCount(end.cancelled.count);
      const std::size_t count = fitting(end.cancelled.messages, limit);
      write(results.initMessages(static_cast<unsigned>(count)), end.cancelled.messages);
      room->answered(sizeOf(results));
    });
  return means_.questions
      .ask(
          room,
          [choice, limit](Queue& queue) {
            auto found = queue.cancelChosen(choice, Queue::Cancel::preview, limit);
            found.messages.resize(fitting(found.messages, limit));
            return found;
          },
          context)
      .then([this, context, room](kj::Maybe<queue::Cancelled> answer) mutable {
        KJ_IF_MAYBE (found, answer) {
          noteRead("preview of a cancel");
          auto results = context.getResults();
          results.setCount(found->count);
          write(results.initMessages(static_cast<unsigned>(found->messages.size())), found->messages);
          room->answered(sizeOf(results));
        }
      });
}

kj::Promise<void> Door::cancel(CancelContext context) {
  const std::size_t listed = mayList(context.getParams().getListed());
  auto room = large();
  return cancelNow(room, {}, listed).then([context, listed, room](CancelEnd end) mutable {
    auto results = context.getResults();
    if (end.error) fail(results, *end.error);
    results.setCount(end.cancelled.count);
    const auto& messages = end.cancelled.messages;
    auto list = results.initMessages(static_cast<unsigned>(fitting(messages, listed)));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setId(messages[i].id);
      list[i].setRecipient(view(messages[i].recipient));
      list[i].setUser(view(messages[i].user));
      list[i].setSeverity(messages[i].severity.value_or(0));
      list[i].setTime(view(messages[i].time));
    }
    room->answered(sizeOf(results));
  });
}

}  // namespace smsd::control
