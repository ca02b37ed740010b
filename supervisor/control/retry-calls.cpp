// SPDX-License-Identifier: GPL-3.0-or-later
// The call `retry` of control.capnp. See session.h.
#include <fmt/format.h>
#include <proto/dispatcher.capnp.h>

#include <memory>

#include "common/kj/view.h"
#include "supervisor/control/call-results.h"
#include "supervisor/control/queue-answers.h"
#include "supervisor/control/session.h"

namespace smsd::control {

using queue::Queue;

kj::Promise<void> Door::retry(RetryContext context) {
  queue::Whom whom{context.getParams().getMessage(), textOf(context.getParams().getRecipient())};
  if (whom.message < 0 || whom.recipient.size() > proto::MAX_RECIPIENT)
    return refuse(context, "there is no such message or recipient");
  if (whom.message != 0 && context.getParams().getRestore()) return restore(context, whom);
  return whom.all() ? endAllWaits(context) : endWaits(context, whom, InProgress::no);
}

kj::Promise<void> Door::restore(RetryContext context, const queue::Whom& whom) {
  const auto expireAfter = subject_.road.config().queue.expireAfter;
  return means_.questions
      .ask(
          small(), [id = whom.message, expireAfter](Queue& queue) { return queue.restore(id, expireAfter); },
          context,
          [&subject = subject_, &glance = means_.glance, uid = uid_,
           id = whom.message](const queue::Restored& restored) {
            if (restored.result != queue::Restored::Result::restored) return;
            glance.forget();
            subject.log.operatorActed(fmt::format("retry of the ignored message {}", id), uid);
            subject.road.endWait(restored.recipient);
            subject.road.notice();
          })
      .then(
          [this, context, whom, expireAfter](kj::Maybe<queue::Restored> answer) mutable -> kj::Promise<void> {
            using Result = queue::Restored::Result;
            KJ_IF_MAYBE (restored, answer) {
              if (const auto why = notRetried(whom.message, *restored, expireAfter); !why.empty())
                return refuse(context, why);
              if (restored->result == Result::notIgnored)
                return endWaits(context, whom, restored->underWay ? InProgress::yes : InProgress::no);
              context.getResults().setRecipient(view(restored->recipient));
              context.getResults().setRestored(true);
            }
            return kj::READY_NOW;
          });
}

kj::Promise<void> Door::endWaits(RetryContext context, const queue::Whom& whom, InProgress inProgress) {
  const auto resting = std::make_shared<std::size_t>(0);  // also waited in the road, and not in the queue
  return means_.questions
      .ask(
          small(), [whom](Queue& queue) { return queue.endWaits(whom); }, context,
          [&subject = subject_, uid = uid_, resting](const queue::WaitsEnded& ended) {
            if (!ended.known) return;
            *resting = subject.road.endWait(ended.recipient);
            subject.log.operatorRetried(ended.recipient, uid);
          })
      .then([context, whom, resting, inProgress](kj::Maybe<queue::WaitsEnded> answer) mutable {
        KJ_IF_MAYBE (ended, answer) {
          auto results = context.getResults();
          if (!ended->known)
            return results.setProblem(view(fmt::format("there is no message {} in the queue", whom.message)));
          results.setRecipient(view(ended->recipient.value_or("")));
          results.setCount(static_cast<std::uint32_t>(ended->count + *resting));
          if (results.getCount() > 0 || whom.message == 0) return;
          results.setWhy(view(notWaiting(whom.message, inProgress)));
        }
      });
}

kj::Promise<void> Door::endAllWaits(RetryContext context) {
  return control::endAllWaits(means_.questions, small())
      .then([context, &subject = subject_, uid = uid_](queue::Answer<std::size_t> answer) mutable {
        // Also after an error: some may have ended.
        const std::size_t resting = subject.road.endWait(std::nullopt);
        subject.log.operatorRetried(std::nullopt, uid);
        if (const auto* error = std::get_if<queue::QueueError>(&answer)) {
          auto results = context.getResults();
          return fail(results, *error);
        }
        context.getResults().setCount(static_cast<std::uint32_t>(std::get<std::size_t>(answer) + resting));
      });
}

}  // namespace smsd::control
