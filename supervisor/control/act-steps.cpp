// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/act-steps.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

#include "supervisor/control/queue-answers.h"
#include "supervisor/queue/cancel-steps.h"

namespace smsd::control {
namespace {

using queue::CancelSteps;
using queue::Queue;

constexpr auto patience = 18 * kj::SECONDS;  // less than that of one question

/// What a cancel begins with.
struct Chosen {
  std::vector<format::MessageId> messages;
  std::optional<queue::Cancelled> cancelled;  // by a queue that cannot cancel in steps
};

/// One step, and how long it locked the queue.
struct TimedStep {
  queue::Cancelled cancelled;
  std::chrono::microseconds took;
};

class CancelInProgress : public std::enable_shared_from_this<CancelInProgress> {
 public:
  CancelInProgress(Questions& questions, kj::Timer& timer, Questions::Room room, std::size_t listed,
                   std::function<void(std::size_t)> begins)
      : questions_(questions),
        timer_(timer),
        room_(std::move(room)),
        listed_(listed),
        begins_(std::move(begins)),
        since_(timer.now()) {}

  kj::Promise<CancelEnd> start(const queue::Choice& choice) {
    auto question = [choice, listed = listed_](Queue& queue) -> Chosen {
      if (queue.cancelsInSteps()) return {queue.cancellable(choice, CancelSteps::most), std::nullopt};
      return {{},
              queue.cancelChosen(choice, Queue::Cancel::act, std::max(listed, CancelSteps::alwaysListed))};
    };
    return questions_.answer(room_, std::move(question))
        .then([self = shared_from_this()](queue::Answer<Chosen> answer) -> kj::Promise<CancelEnd> {
          if (auto* error = std::get_if<queue::QueueError>(&answer)) return CancelEnd{{}, *error};
          auto& chosen = std::get<Chosen>(answer);
          if (chosen.cancelled) return CancelEnd{std::move(*chosen.cancelled), std::nullopt};
          self->steps_.emplace(std::move(chosen.messages), self->listed_);
          if (self->steps_->chosen() > CancelSteps::size) self->begins_(self->steps_->chosen());
          return self->next();
        });
  }

 private:
  kj::Promise<CancelEnd> next() {
    if (steps_->over()) return CancelEnd{steps_->takeDone(), std::nullopt};
    if (timer_.now() - since_ > patience)
      return endsEarly(queue::QueueError(queue::QueueError::Kind::busy, "it had lasted 18 s"));
    auto question = [messages = steps_->next(), list = steps_->toList()](Queue& queue) -> TimedStep {
      const auto begun = std::chrono::steady_clock::now();
      TimedStep step{queue.cancelThese(messages, list), {}};
      step.took =
          std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
      step.cancelled.messages.resize(fitting(step.cancelled.messages, list));
      return step;
    };
    return questions_.answer(room_, std::move(question))
        .then([self = shared_from_this()](queue::Answer<TimedStep> answer) -> kj::Promise<CancelEnd> {
          if (auto* error = std::get_if<queue::QueueError>(&answer)) return self->endsEarly(*error);
          auto& step = std::get<TimedStep>(answer);
          self->steps_->did(std::move(step.cancelled));
          if (self->steps_->over()) return self->next();
          return self->timer_.afterDelay(CancelSteps::pauseAfter(step.took).count() * kj::MICROSECONDS)
              .then([self]() { return self->next(); });
        });
  }

  CancelEnd endsEarly(const queue::QueueError& error) {
    queue::QueueError why(error.kind(),
                          steps_->done().count == 0 ? error.what() : steps_->endedEarly(error.what()));
    return {steps_->takeDone(), std::move(why)};
  }

  Questions& questions_;
  kj::Timer& timer_;
  Questions::Room room_;
  std::size_t listed_;
  std::function<void(std::size_t)> begins_;
  kj::TimePoint since_;
  std::optional<CancelSteps> steps_;
};

}  // namespace

kj::Promise<CancelEnd> cancelInSteps(Questions& questions, kj::Timer& timer, Questions::Room room,
                                     const queue::Choice& choice, std::size_t listed,
                                     std::function<void(std::size_t)> begins) {
  return std::make_shared<CancelInProgress>(questions, timer, std::move(room), listed, std::move(begins))
      ->start(choice);
}

kj::Promise<queue::Answer<std::size_t>> endAllWaits(Questions& questions, Questions::Room room,
                                                    std::size_t before) {
  return questions.answer(room, [](Queue& queue) { return queue.endSomeWaits(CancelSteps::mostWaits); })
      .then([&questions, room,
             before](queue::Answer<std::size_t> answer) -> kj::Promise<queue::Answer<std::size_t>> {
        if (const auto* error = std::get_if<queue::QueueError>(&answer)) {
          if (before == 0) return answer;
          return queue::Answer<std::size_t>(
              std::in_place_index<1>, error->kind(),
              fmt::format(
                  "the waits of {} recipients have ended; then: {}; repeat the command for the others",
                  before, error->what()));
        }
        const std::size_t ended = std::get<std::size_t>(answer);
        if (ended != CancelSteps::mostWaits) return queue::Answer<std::size_t>(before + ended);
        return endAllWaits(questions, room, before + ended);
      });
}

}  // namespace smsd::control
