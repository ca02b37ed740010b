// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/rpc/guard.h"

#include <capnp/any.h>
#include <capnp/message.h>

#include <utility>

namespace smsd::rpc {
namespace {

namespace rpc = capnp::rpc;

constexpr std::size_t wordsPerMessage = 512;  // a longer message counts as several (4 KiB each)
// Ample: no method of the contracts passes more than one capability, and calls go to the main interface or to
// a capability.
constexpr unsigned mostCapabilities = 4;
constexpr unsigned mostSteps = 4;
constexpr auto lookEvery = 5 * kj::SECONDS;
constexpr int mostStuck = 6;  // looks that find the same write: half a minute

/// Reads Return.noFinishNeeded (rpc.capnp of Cap'n Proto 1.0, bit 33 of the data), which the headers of older
/// versions do not have.
Calls::Finish finishAfter(rpc::Return::Reader answer) {
  const auto data = capnp::AnyStruct::Reader(answer).getDataSection();
  return data.size() > 4 && (data[4] & 2) != 0 ? Calls::Finish::optional : Calls::Finish::needed;
}

bool tooMany(rpc::Payload::Reader payload) { return payload.getCapTable().size() > mostCapabilities; }

}  // namespace

Guard::Guard(kj::Own<capnp::MessageStream> inner, kj::Timer& timer, Terms terms)
    : inner_(kj::mv(inner)),
      timer_(timer),
      terms_(std::move(terms)),
      calls_(terms_.calls),
      turn_(timer.now()),
      heardAt_(timer.now()) {
  if (terms_.silence != nullptr) lookLater();
}

Budget::Time Guard::now() const {
  return Budget::Time((timer_.now() - kj::origin<kj::TimePoint>()) / kj::NANOSECONDS);
}

kj::Promise<Guard::Read> Guard::tryReadMessage(kj::ArrayPtr<kj::AutoCloseFd> fdSpace,
                                               capnp::ReaderOptions options,
                                               kj::ArrayPtr<capnp::word> scratchSpace) {
  KJ_IF_MAYBE (wait, waitToRead())
    return wait->then(
        [this, fdSpace, options, scratchSpace]() { return tryReadMessage(fdSpace, options, scratchSpace); });
  options.traversalLimitInWords = kj::min(options.traversalLimitInWords, terms_.messageWords);
  return inner_->tryReadMessage(fdSpace, options, scratchSpace)
      .then(
          [this](Read&& read) -> Read {
            KJ_IF_MAYBE (message, read)
              admit(*message->reader);
            else
              over_ = true;
            return kj::mv(read);
          },
          [this](kj::Exception&& e) -> Read {
            if (e.getType() == kj::Exception::Type::DISCONNECTED)
              over_ = true;
            else
              endPeer(End::Kind::breach, "it sent bytes that are no message, or a message beyond all bounds");
            kj::throwFatalException(kj::mv(e));
          });
}

/// Returns none if the next message may be read now; otherwise a promise that resolves when to check again.
kj::Maybe<kj::Promise<void>> Guard::waitToRead() {
  if (over_) return kj::Promise<void>(kj::NEVER_DONE);
  KJ_IF_MAYBE (network, network_) {
    if (writing_ && network->getCurrentQueueSize() > terms_.queuedBytes) {
      auto pair = kj::newPromiseAndFulfiller<void>();
      unblocked_ = kj::mv(pair.fulfiller);
      // The network lowers its count only after it has noticed the end of the write.
      return pair.promise.then([]() { return kj::evalLast([]() {}); });
    }
  }
  if (terms_.overdrawn == Terms::Overdrawn::waits)
    if (auto wait = terms_.budget->wait(now()); wait.count() > 0)
      return timer_.afterDelay(wait.count() * kj::NANOSECONDS);
  if (timer_.now() != turn_) {
    turn_ = timer_.now();
    spent_ = 0;
  }
  // A timer fires only after the loop has polled all sockets.
  if (spent_ >= terms_.perTurn) return timer_.afterDelay(0 * kj::SECONDS);
  return nullptr;
}

/// Accounts for a message and checks it. Throws if the RPC system must not handle it.
void Guard::admit(capnp::MessageReader& message) {
  heardAt_ = timer_.now();
  std::string found;
  try {
    // Read the root first, because the message does not know its size before.
    auto root = message.getRoot<rpc::Message>();
    const auto messages = 1 + message.sizeInWords() / wordsPerMessage;
    const auto cost = static_cast<double>(messages);
    spent_ += cost;
    terms_.budget->spend(cost, now());
    found = terms_.overdrawn == Terms::Overdrawn::ends && terms_.budget->overdrawn()
                ? "it sent more messages than its work accounts for"
                : fault(root);
  } catch (const kj::Exception&) {
    found = "it sent a message that cannot be read";
  }
  if (found.empty()) return;
  endPeer(End::Kind::breach, found);
  kj::throwFatalException(
      kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::heapString(found.c_str())));
}

std::string Guard::fault(rpc::Message::Reader message) {
  static constexpr const char* outside = "it sent a message of a kind that the protocol does not use";
  switch (message.which()) {
    case rpc::Message::BOOTSTRAP:
      if (terms_.peer == Terms::Peer::server) return outside;
      return openCall(message.getBootstrap().getQuestionId());
    case rpc::Message::CALL: {
      auto call = message.getCall();
      if (!call.getSendResultsTo().isCaller()) return outside;
      if (tooMany(call.getParams())) return "it passed too many capabilities";
      if (call.getTarget().isPromisedAnswer() &&
          call.getTarget().getPromisedAnswer().getTransform().size() > mostSteps)
        return "it called an object too deep in an answer";
      return openCall(call.getQuestionId());
    }
    case rpc::Message::RETURN: {
      auto answer = message.getReturn();
      if (answer.isTakeFromOtherQuestion() || answer.isResultsSentElsewhere()) return outside;
      if (answer.isResults() && tooMany(answer.getResults())) return "it passed too many capabilities";
      return {};
    }
    case rpc::Message::FINISH:
      if (!calls_.finished(message.getFinish().getQuestionId()))
        return "it finished a call that it did not make";
      return {};
    case rpc::Message::UNIMPLEMENTED:
    case rpc::Message::ABORT:
    case rpc::Message::RESOLVE:
    case rpc::Message::RELEASE:
    case rpc::Message::DISEMBARGO:
      return {};
    default:
      // The RPC system would send each of these messages back.
      return outside;
  }
}

std::string Guard::openCall(std::uint32_t id) {
  switch (calls_.open(id)) {
    case Calls::Opened::well:
      return {};
    case Calls::Opened::twice:
      return "it used the number of an open call again";
    case Calls::Opened::tooMany:
      return "it left too many calls unfinished";
  }
  return {};
}

kj::Promise<void> Guard::writeMessage(kj::ArrayPtr<const int> fds,
                                      kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) {
  noteAnswer(segments);
  return writing(inner_->writeMessage(fds, segments));
}

kj::Promise<void> Guard::writeMessages(
    kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) {
  for (auto segments : messages) noteAnswer(segments);
  return writing(inner_->writeMessages(messages));
}

void Guard::noteAnswer(kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) {
  capnp::ReaderOptions ours;
  ours.traversalLimitInWords = kj::maxValue;
  capnp::SegmentArrayMessageReader reader(segments, ours);
  auto message = reader.getRoot<rpc::Message>();
  if (message.isReturn())
    calls_.answered(message.getReturn().getAnswerId(), finishAfter(message.getReturn()));
}

kj::Promise<void> Guard::writing(kj::Promise<void> write) {
  writing_ = true;
  ++writes_;
  lookLater();
  return write.then([this]() { wrote(); },
                    [this](kj::Exception&& e) {
                      wrote();
                      kj::throwFatalException(kj::mv(e));
                    });
}

void Guard::wrote() {
  writing_ = false;
  KJ_IF_MAYBE (unblocked, std::exchange(unblocked_, nullptr)) unblocked->get()->fulfill();
  if (!terms_.written) return;
  // As in waitToRead().
  afterWrite_ = kj::evalLast([this]() {
                  KJ_IF_MAYBE (network, network_)
                    if (!writing_ && network->getCurrentQueueSize() == 0) terms_.written();
                }).eagerlyEvaluate(nullptr);
}

/// Called when the RPC system gives up this connection. Unless the peer has closed it, the peer broke the
/// protocol in a way that only the RPC system can detect.
kj::Promise<void> Guard::end() {
  if (!over_) endPeer(End::Kind::breach, "it broke the rules of Cap'n Proto's RPC");
  return inner_->end();
}

void Guard::lookLater() {
  if (looking_ || over_) return;
  looking_ = true;
  looks_ = timer_.afterDelay(lookEvery).then([this]() { return look(); }).eagerlyEvaluate(nullptr);
}

/// For a write that does not end, counts looks instead of time, so that a sleep of this process or host is
/// not counted against the peer.
kj::Promise<void> Guard::look() {
  stuck_ = writing_ && seen_ == writes_ ? stuck_ + 1 : 0;
  seen_ = writes_;
  if (stuck_ >= mostStuck) endPeer(End::Kind::breach, "it does not read the data sent to it");
  KJ_IF_MAYBE (silence, terms_.silence)
    if (!calls_.due() && timer_.now() - heardAt_ >= *silence) endPeer(End::Kind::silent, "it sent nothing");
  looking_ = !over_ && (writing_ || terms_.silence != nullptr);
  if (!looking_) return kj::READY_NOW;
  return timer_.afterDelay(lookEvery).then([this]() { return look(); });
}

void Guard::endPeer(End::Kind kind, std::string words) {
  if (std::exchange(over_, true)) return;
  ended_.fulfiller->fulfill(End{kind, std::move(words)});
}

}  // namespace smsd::rpc
