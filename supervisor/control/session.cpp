// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/session.h"

#include <fmt/format.h>
#include <proto/dispatcher.capnp.h>

#include <algorithm>
#include <system_error>

#include "common/kj/view.h"
#include "common/text/utf.h"
#include "supervisor/control/status.h"
#include "supervisor/control/test-report.h"

namespace smsd::control {
namespace {

constexpr auto ownQueuePatience = 20 * kj::SECONDS;  // less than a client waits: queuePatience in client.h
constexpr unsigned mostAsked = 64;                   // calls of all clients while the queue does not answer
constexpr std::size_t longestName = 64;              // bytes; more than any dispatcher's name has

std::string bytes(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

/// Returns a dispatcher's name in a printable form for the journal, cut to `longestName`.
std::string shown(capnp::Text::Reader text) {
  return text::printable(std::string_view(text.begin(), text.size()), longestName);
}

proto::QueueFault wireFault(queue::QueueError::Kind kind) {
  using Kind = queue::QueueError::Kind;
  switch (kind) {
    case Kind::unreachable:
    case Kind::busy:
      return proto::QueueFault::UNREACHABLE;
    case Kind::denied:
      return proto::QueueFault::DENIED;
    case Kind::notInstalled:
      return proto::QueueFault::NOT_INSTALLED;
    case Kind::invalid:
      return proto::QueueFault::INVALID;
    case Kind::fenced:
    case Kind::replaced:
    case Kind::failed:
      break;
  }
  return proto::QueueFault::FAILED;
}

std::string unknownName(const road::Road& road, const std::string& name) {
  return fmt::format("there is no dispatcher {}, expected one of {}", name,
                     fmt::join(road.dispatchers().names(), ", "));
}

std::string nameOf(proto::Act act) {
  switch (act) {
    case proto::Act::PAUSE:
      return "pause";
    case proto::Act::RESUME:
      return "resume";
    case proto::Act::RESTART:
      return "restart";
  }
  return {};
}

const char* wordsOf(keeper::Keeper::Resumed resumed) {
  using Resumed = keeper::Keeper::Resumed;
  switch (resumed) {
    case Resumed::nothing:
      return "was neither paused, resting nor broken";
    case Resumed::usable:
      return "is used again";
    case Resumed::probe:
      return "is tried with the next SMS";
    case Resumed::asked:
      return "is queried now, and used again if it works";
    case Resumed::started:
      return "had no worker; one is started now";
  }
  return "";
}

}  // namespace

/// Runs `question` on the queue; a failure becomes the answer's `problem` and `fault`. The call itself is
/// never cancelled: see Glance.
template <typename T, typename F>
auto Door::ask(F question, T context) {
  using R = std::invoke_result_t<F, queue::Queue&>;
  const auto refuse = [](T call, queue::QueueError::Kind kind, kj::StringPtr why) {
    call.getResults().setProblem(why);
    call.getResults().setFault(wireFault(kind));
  };
  if (means_.asked >= mostAsked) {
    refuse(context, queue::QueueError::Kind::unreachable,
           "too many requests wait for the queue already; try again later");
    return kj::Promise<kj::Maybe<R>>(kj::Maybe<R>(nullptr));
  }
  ++means_.asked;
  auto asked = subject_.queue.run(kj::mv(question)).fork();
  means_.questions.add(
      asked.addBranch().ignoreResult().attach(kj::defer([&open = means_.asked]() { --open; })));
  return means_.timer.timeoutAfter(ownQueuePatience, asked.addBranch())
      .then(
          [context, refuse](queue::Answer<R> answer) mutable -> kj::Maybe<R> {
            if (auto* result = std::get_if<R>(&answer)) return std::move(*result);
            const auto& error = std::get<queue::QueueError>(answer);
            refuse(context, error.kind(), error.what());
            return nullptr;
          },
          [context, refuse](kj::Exception&&) mutable -> kj::Maybe<R> {
            refuse(context, queue::QueueError::Kind::unreachable,
                   "the queue does not answer; it may still carry the request out");
            return nullptr;
          });
}

kj::Promise<void> Door::status(StatusContext context) {
  return means_.glance.look().then([this, context](const std::optional<QueueLook>& look) mutable {
    writeStatus(context.getResults().initStatus(), subject_.road, subject_.backend,
                means_.timer.now() - means_.started, look, subject_.mail.mail());
  });
}

kj::Promise<void> Door::nudge(NudgeContext) {
  subject_.road.notice();
  return kj::READY_NOW;
}

kj::Promise<void> Door::stop(StopContext) {
  subject_.log.operatorActed("stop", uid_);
  subject_.stop();
  return kj::READY_NOW;
}

kj::Promise<void> Door::cancel(CancelContext context) {
  const std::size_t listed = std::min<std::uint32_t>(context.getParams().getListed(), proto::MAX_LISTED);
  return ask([listed](queue::Queue& queue) { return queue.cancelAndList(queue::Duration(0), listed); },
             context)
      .then([this, context](kj::Maybe<queue::Cancelled> answer) mutable {
        KJ_IF_MAYBE (cancelled, answer) {
          subject_.log.operatorActed(fmt::format("cancel of {} messages", cancelled->count), uid_);
          auto results = context.getResults();
          results.setCount(cancelled->count);
          auto list = results.initMessages(cancelled->messages.size());
          for (unsigned i = 0; i < cancelled->messages.size(); ++i) {
            const auto& message = cancelled->messages[i];
            list[i].setId(message.id);
            list[i].setRecipient(view(message.recipient));
            list[i].setUser(view(message.user));
            list[i].setSeverity(message.severity.value_or(0));
            list[i].setTime(view(message.time));
          }
        }
      });
}

kj::Promise<void> Door::test(TestContext context) {
  auto params = context.getParams();
  std::string recipient = bytes(params.getRecipient());
  return subject_.road.testSms()
      .run({recipient, bytes(params.getText()), bytes(params.getVia())})
      .then([this, context, recipient](const road::TestSmsReport& report) mutable {
        subject_.log.operatorTested(text::printable(recipient, longestName), inBrief(report), uid_);
        write(context.getResults(), report);
      });
}

Door::Acted Door::act(proto::Act act, keeper::Keeper& keeper) {
  Acted acted;
  switch (act) {
    case proto::Act::PAUSE:
      keeper.pause();
      acted.done = "is paused: it gets no more SMS; its worker finishes the SMS that it has begun";
      break;
    case proto::Act::RESUME:
      acted.done = wordsOf(keeper.resume());
      break;
    case proto::Act::RESTART:
      keeper.restart("an operator restarted it");
      acted.done = "gets a fresh worker as soon as the present one has finished the SMS that it has begun";
      return acted;
  }
  try {
    act == proto::Act::PAUSE ? subject_.pauses.add(keeper.name()) : subject_.pauses.remove(keeper.name());
  } catch (const std::system_error& e) {
    acted.problem = fmt::format(
        "{} of {} is done, but ends with the next restart of smsd, because it cannot be stored: {}",
        nameOf(act), keeper.name(), e.what());
  }
  return acted;
}

kj::Promise<void> Door::steer(SteerContext context) {
  auto params = context.getParams();
  const std::string name = shown(params.getName());
  const std::string what = nameOf(params.getAct());
  Acted acted{what.empty() ? "smsd does not support this command, it may be of another version than smsctl"
                           : unknownName(subject_.road, name),
              ""};
  KJ_IF_MAYBE (at, subject_.road.dispatchers().find(name)) {
    if (!what.empty()) {
      subject_.log.operatorActed(what + " of " + name, uid_);
      acted = act(params.getAct(), subject_.road.dispatchers()[*at]);
    }
  }
  context.getResults().setProblem(view(acted.problem));
  context.getResults().setDone(view(acted.done));
  return kj::READY_NOW;
}

kj::Promise<void> Door::reload(ReloadContext context) {
  subject_.log.operatorActed("reload", uid_);
  return subject_.reload().then([context](const Subject::Reloaded& reloaded) mutable {
    context.getResults().setProblem(view(reloaded.problem));
    context.getResults().setDone(view(reloaded.done));
  });
}

kj::Promise<void> Door::retry(RetryContext context) {
  queue::Whom whom{context.getParams().getMessage(), bytes(context.getParams().getRecipient())};
  if (whom.message < 0 || whom.recipient.size() > proto::MAX_RECIPIENT) {
    context.getResults().setProblem("there is no such message or recipient");
    return kj::READY_NOW;
  }
  return ask([whom](queue::Queue& queue) { return queue.endWaits(whom); }, context)
      .then([this, context, whom](kj::Maybe<queue::WaitsEnded> answer) mutable {
        KJ_IF_MAYBE (ended, answer) {
          auto results = context.getResults();
          if (!ended->known)
            return results.setProblem(view(fmt::format("there is no message {} in the queue", whom.message)));
          const std::size_t resting = subject_.road.endWait(ended->recipient);
          results.setRecipient(view(ended->recipient.value_or("")));
          results.setCount(static_cast<std::uint32_t>(ended->count + resting));
          subject_.log.operatorRetried(ended->recipient, uid_);
        }
      });
}

}  // namespace smsd::control
