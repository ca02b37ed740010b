// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/gammu.h"

#include <fmt/format.h>
#include <kj/async-unix.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>

#include "common/fault.h"
#include "common/journal/journal.h"
#include "workers/gammu/device-holder.h"
#include "workers/kit/outcome-of.h"

namespace smsd::gammu {
namespace {

using namespace std::chrono_literals;

// libgammu's own pauses in the start-up dialogue take 4.2 s. A SIM that wakes up takes a few seconds more.
constexpr auto openWithin = 20 * kj::SECONDS;
constexpr auto restartWithin = 10 * kj::SECONDS;
// libgammu stops within half a second of an abort, and the outcome has to be there by the deadline.
constexpr auto mostReserve = 1500ms;
constexpr auto joinPatience = 2s;
// A call that lasts this long is stuck, because every call is aborted long before.
constexpr auto longestCall = 90s;

constexpr auto whileAbsent = 1 * kj::SECONDS;   // between two looks for the device
constexpr auto whileSick = 5 * kj::SECONDS;     // between two tries to open it
constexpr auto afterRestart = 2 * kj::SECONDS;  // the same, while the modem restarts
constexpr auto restartTakes = 30 * kj::SECONDS;
constexpr auto ladderAgain = 5 * kj::MINUTES;
constexpr auto asked =
    5 * kj::SECONDS;  // a condition() older than this requests a look, unless an SMS is being sent

/// Returns a time of day, because smsctl may show it a minute after the supervisor fetched it: an age would
/// be out of date by then.
std::string timeOf(std::optional<std::chrono::steady_clock::time_point> seen) {
  if (!seen) return "not yet";
  const auto age = std::chrono::steady_clock::now() - *seen;
  const std::time_t at = std::chrono::system_clock::to_time_t(
      std::chrono::system_clock::now() -
      std::chrono::duration_cast<std::chrono::system_clock::duration>(age));
  std::tm local{};
  localtime_r(&at, &local);
  char text[32] = "";
  strftime(text, sizeof text, age < 12h ? "at %H:%M:%S" : "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

/// The one conversion from a modem's outcome to the kit's.
kit::Outcome kitOutcome(ModemOutcome outcome) {
  return kit::outcomeOf(outcome.kind, std::move(outcome.words));
}

bool isAboutRegistration(ModemEvent event) {
  return event == ModemEvent::notRegistered || event == ModemEvent::registrationDenied;
}

}  // namespace

std::optional<DeviceNode> nodeAt(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return DeviceNode{status.st_dev, status.st_ino, status.st_rdev,
                    status.st_ctim.tv_sec * std::int64_t{1'000'000'000} + status.st_ctim.tv_nsec};
}

GammuDispatcher::~GammuDispatcher() noexcept(false) {
  if (modem_) modem_->abort();
}

void GammuDispatcher::declare(config::Keys& keys) {
  keys.text("device", settings_.device,
            "the modem's serial device, best by a path that never changes, as those in /dev/serial/by-id");
  keys.example("device", "/dev/serial/by-id/usb-HUAWEI_Mobile-if00-port0");
  keys.text("connection", settings_.connection,
            "`at` and the speed of the line: at4800 to at921600; `at` alone means at19200");
  keys.example("connection", "at115200");
  keys.text("model", settings_.model,
            "libgammu's name for the model; without it, the worker queries the modem");
  keys.example("model", "at");
  keys.path("gammurc", settings_.gammurc,
            "a gammurc (absolute path) that sets device, connection and model instead");
  keys.example("gammurc", "/etc/gammurc");
  keys.integer("section", settings_.section, {0, 99},
               "the section of gammurc: 0 for [gammu], 1 for [gammu1]");
  keys.secretFile("pin_file", settings_.pin, "a file whose first line is the SIM's PIN");
  keys.example("pin_file", "modem.pin");
  keys.choice(
      "pin_counter", settings_.counter,
      {{"required", ModemSettings::Counter::required}, {"optional", ModemSettings::Counter::optional}},
      "the PIN is entered only while all tries are left; optional: also if the modem cannot report how "
      "many are left, once for each start of the worker");
  keys.text("smsc", settings_.centre, "the service centre's number, instead of the SIM's");
  keys.example("smsc", "\"+4790002100\"");
  keys.flag("flash", settings_.flash, "send SMS of class 0, which telephones show at once and do not store");
  keys.durationOr(
      "longest", "validity", settings_.validity, {5min, 441 * 24h},
      "how long the network tries to deliver; longest: 63 weeks, which the network cuts to its own limit");
  keys.flag("delivery_report", settings_.report,
            "request delivery reports from the network; the modem gets them, smsd does not wait for them");
  keys.flag(
      "registration_check", settings_.checkRegistration,
      "give no SMS to a modem that reports that it is not registered; false: for a modem that reports this "
      "wrongly");
  keys.duration("check_interval", settings_.checkInterval, {5s, 1h},
                "how often the worker checks a modem that has nothing to send");
  keys.rule("device", [this] { return readDevice(); });
  keys.rule("connection", [this]() -> std::optional<std::string> {
    if (speedOf(settings_.connection)) return std::nullopt;
    return "expected `at` and a speed, as in at115200: only AT modems on a serial line can be used";
  });
  keys.rule("smsc", [this]() -> std::optional<std::string> {
    if (settings_.centre.empty() || dialled(settings_.centre)) return std::nullopt;
    return "expected a telephone number, as in +4790002100";
  });
}

std::optional<std::string> GammuDispatcher::readDevice() {
  if (!settings_.gammurc.empty()) {
    if (!settings_.device.empty()) return "expected either device or gammurc";
    if (!settings_.gammurc.is_absolute()) return "expected an absolute path for gammurc";
    auto read = readGammurc(settings_.gammurc, settings_.section);
    if (!read.problem.empty()) return settings_.gammurc.string() + " " + read.problem;
    settings_.device = read.settings.device;
    settings_.connection = read.settings.connection;
    settings_.model = read.settings.model;
    if (!speedOf(settings_.connection))
      return fmt::format("{} has the connection '{}', expected `at` and a speed", settings_.gammurc.string(),
                         settings_.connection);
  }
  if (settings_.device.empty()) return "expected the path of a serial device, or gammurc";
  if (settings_.device[0] != '/') return "expected an absolute path";
  return std::nullopt;
}

sandbox::Policy GammuDispatcher::policy() {
  // The sandbox covers only a device that exists now. A device that appears later needs a new process.
  nodeAtLock_ = nodeAt(settings_.device);
  holder_ = holderOf(settings_.device);
  sandbox::Policy policy;
  bridge_ = std::make_unique<Bridge>();
  policy.devices = {settings_.device, bridge_->path()};
  policy.readable = {"/etc/localtime"};  // for the local time in libgammu
  return policy;
}

kit::Traits GammuDispatcher::traits() const {
  return {.kind = "gammu", .window = 1, .backlog = 1, .knowsKeys = false};
}

kj::Promise<void> GammuDispatcher::start(kj::AsyncIoContext& io) {
  timer_ = &io.provider->getTimer();
  port_ = &io.unixEventPort;
  ModemSettings settings;
  settings.phone = {settings_.device, settings_.connection, settings_.model};
  settings.pin = settings_.pin;
  settings.counter = settings_.counter;
  settings.centre = settings_.centre;
  if (settings_.flash) settings.messageClass = Envelope::Class::flash;
  if (settings_.report) settings.report = Envelope::Report::wanted;
  if (settings_.validity) settings.validity = std::chrono::ceil<std::chrono::minutes>(*settings_.validity);
  if (!settings_.checkRegistration) settings.registration = ModemSettings::Registration::ignored;
  modem_ = std::make_unique<Modem>(std::move(settings), std::move(bridge_));
  thread_ = std::make_unique<BlockingThread>(joinPatience);
  // The worker serves even if the modem cannot be used: condition() then reports the reason.
  return open();
}

kj::Promise<std::string> GammuDispatcher::spent() {
  return tend()
      .then([]() -> kj::Promise<std::string> { return kj::NEVER_DONE; })
      .exclusiveJoin(kj::mv(spent_.promise));
}

bool GammuDispatcher::alive() const { return !thread_ || thread_->busyFor() < longestCall; }

// --- the state of the modem
// ------------------------------------------------------------------------------------------

void GammuDispatcher::found(ModemCondition condition) {
  const bool was = usable_;
  known_ = std::move(condition);
  usable_ = !known_.problem;
  lastLook_ = timer_->now();
  if (known_.problem == ModemEvent::inUse && !holder_.empty()) known_.reason += ": " + holder_;
  if (usable_) {
    everUsed_ = true;
    rung_ = Rung::none;
  } else if (was) {
    sickSince_ = lastLook_;
  }
}

kit::Condition GammuDispatcher::condition() const {
  kit::Condition result;
  result.broken = usable_ ? "" : known_.reason;
  result.details = {{"device", settings_.device}};
  result.details.insert(result.details.end(), known_.details.begin(), known_.details.end());
  if (timer_ == nullptr) return result;
  result.details.emplace_back("seen", timeOf(known_.seen));
  auto age = timer_->now() - lastLook_;
  // Requests a look, so that the next call returns a newer condition.
  if (usable_ && !sending_ && age > asked && stirred_.get() != nullptr) {
    wanted_ = true;
    stirred_->fulfill();
  }
  return result;
}

void GammuDispatcher::leave(std::string why) {
  usable_ = false;
  spent_.fulfiller->fulfill(std::move(why));
}

// --- the timed work ---------------------------------------------------------------------------------------

/// Aborts `work` after `limit`. Even then the promise waits until `work` ends, so that no call is left
/// running on the thread. If the modem is open and only the look at it is left, the look is cut short and
/// repeated.
kj::Promise<void> GammuDispatcher::within(kj::Duration limit, kj::Promise<void> work) {
  auto alarm = timer_->afterDelay(limit)
                   .then([this]() {
                     if (!modem_->isLooking()) return modem_->abort();
                     modem_->hurry();
                     wanted_ = true;
                   })
                   .eagerlyEvaluate(nullptr);
  return work.attach(kj::mv(alarm));
}

kj::Promise<void> GammuDispatcher::open() {
  auto opened = thread_->run<ModemCondition>([this]() { return modem_->open(); });
  return within(openWithin, opened.then([this](ModemCondition condition) { found(std::move(condition)); }));
}

kj::Promise<void> GammuDispatcher::look() {
  auto looked = thread_->run<ModemCondition>([this]() { return modem_->look(); });
  // Without an alarm: a look ends by itself, and an aborted modem would have to be opened again.
  return looked.then([this](ModemCondition condition) {
    // A send that began or ended meanwhile has found a newer condition.
    if (!sending_ && due_ != SendResult::Then::open) found(std::move(condition));
  });
}

kj::TimePoint GammuDispatcher::nextLook() const {
  return lastLook_ + settings_.checkInterval.count() * kj::MILLISECONDS;
}

kj::Duration GammuDispatcher::timeToNextStep() const {
  // Nothing else is done while an SMS is in progress. finished() ends this wait.
  if (sending_) return settings_.checkInterval.count() * kj::MILLISECONDS;
  if (due_ || wanted_) return 0 * kj::SECONDS;
  if (usable_) return std::max(nextLook() - timer_->now(), 1 * kj::SECONDS);
  if (known_.problem == ModemEvent::noDevice) return whileAbsent;
  return rung_ == Rung::restarted && timer_->now() - sickSince_ < restartTakes ? afterRestart : whileSick;
}

/// Resolves as soon as an idle modem is unplugged, so that this is noticed before the next look. Reads
/// nothing.
kj::Promise<void> GammuDispatcher::unplugged() {
  if (!usable_ || sending_) return kj::NEVER_DONE;
  struct Watch {
    kj::AutoCloseFd fd;  // a copy, because the line may be closed meanwhile
    kj::UnixEventPort::FdObserver observer;
    Watch(kj::UnixEventPort& port, int copy)
        : fd(copy), observer(port, copy, kj::UnixEventPort::FdObserver::OBSERVE_URGENT) {}
  };
  int copy = modem_->copyOfLine();
  if (copy < 0) return kj::NEVER_DONE;
  auto watch = kj::heap<Watch>(*port_, copy);
  auto gone = watch->observer.whenWriteDisconnected().then([this]() { wanted_ = true; });
  return gone.attach(kj::mv(watch));
}

/// Waits until something is due and does it, for ever.
kj::Promise<void> GammuDispatcher::tend() {
  auto stirred = kj::newPromiseAndFulfiller<void>();
  stirred_ = kj::mv(stirred.fulfiller);
  return timer_->afterDelay(timeToNextStep())
      .exclusiveJoin(kj::mv(stirred.promise))
      .exclusiveJoin(unplugged())
      .then([this]() { return step(); })
      .catch_([](kj::Exception&& e) {
        journal::Entry(journal::Level::error, fmt::format("modem: {}", faultOf(e))).write();
      })
      .then([this]() { return tend(); });
}

kj::Promise<void> GammuDispatcher::step() {
  if (sending_) return kj::READY_NOW;
  auto due = std::exchange(due_, std::nullopt);
  // Taken by whatever follows: a wish that stayed would end each wait at once.
  const bool wanted = std::exchange(wanted_, false);
  if (due == SendResult::Then::open) return open();
  if (usable_ && !due && !wanted && timer_->now() < nextLook()) return kj::READY_NOW;
  if (usable_ || isAboutRegistration(*known_.problem)) return look();
  switch (*known_.problem) {
    case ModemEvent::noDevice:
    case ModemEvent::noPermission:
      return seek();
    case ModemEvent::mute:
      return climb();
    default:
      return open();
  }
}

/// Looks for a device that was missing. The sandbox allows only the device that was there when this process
/// started, so for any other one the process ends and a fresh one takes over.
kj::Promise<void> GammuDispatcher::seek() {
  auto node = nodeAt(settings_.device);
  if (!node) return kj::READY_NOW;
  if (node == nodeAtLock_) return open();
  leave("the modem is another device now");
  return kj::READY_NOW;
}

/// Takes the next step with a modem that does not answer: restarts it, then tries to open it, then ends the
/// process if the modem has worked in it. Begins again after `ladderAgain`.
kj::Promise<void> GammuDispatcher::climb() {
  auto sick = timer_->now() - sickSince_;
  switch (rung_) {
    case Rung::none:
      rung_ = Rung::restarted;
      return within(restartWithin, thread_
                                       ->run<bool>([this]() {
                                         modem_->restart();
                                         return true;
                                       })
                                       .ignoreResult());
    case Rung::restarted:
      if (everUsed_ && sick > restartTakes) leave("the modem does not answer");
      if (sick > ladderAgain) {
        sickSince_ = timer_->now();
        rung_ = Rung::none;
      }
      return open();
  }
  KJ_UNREACHABLE;
}

// --- an SMS
// -------------------------------------------------------------------------------------------------

kj::Promise<kit::Outcome> GammuDispatcher::send(kit::Job job) {
  if (!dialled(job.recipient)) return kitOutcome(outcomeOf(ModemEvent::badNumber));
  if (!usable_) {
    // A mute modem that has worked in this process is being recovered, so it is not reported as broken yet.
    const bool hope = !known_.problem || (known_.problem == ModemEvent::mute && everUsed_);
    return kitOutcome({hope ? OutcomeKind::deferred : outcomeOf(*known_.problem).kind, known_.reason});
  }
  sending_ = true;
  modem_->hurry();
  auto reserve = std::min<kit::Milliseconds>(mostReserve, job.deadline / 4);
  auto limit = (job.deadline - reserve).count() * kj::MILLISECONDS;
  Sms sms{std::move(job.recipient), std::move(job.text), std::move(job.key)};
  auto sent = thread_->run<SendResult>([this, sms = std::move(sms)]() { return modem_->send(sms); });
  auto alarm = timer_->afterDelay(limit).then([this]() { modem_->abort(); }).eagerlyEvaluate(nullptr);
  return sent.attach(kj::mv(alarm)).then([this](SendResult result) { return finished(std::move(result)); });
}

kit::Outcome GammuDispatcher::finished(SendResult result) {
  sending_ = false;
  if (stirred_.get() != nullptr) stirred_->fulfill();
  if (result.then == SendResult::Then::next) {
    lastLook_ = timer_->now();
    known_.seen = std::chrono::steady_clock::now();
    return kitOutcome(std::move(result.outcome));
  }
  due_ = result.then;
  if (result.then == SendResult::Then::open) {
    usable_ = false;
    known_.problem = ModemEvent::mute;
    known_.reason =
        "is opened again: " +
        (result.outcome.kind == OutcomeKind::accepted ? "it did not end its answer" : result.outcome.words);
    known_.details.clear();
    sickSince_ = timer_->now();
  }
  return kitOutcome(std::move(result.outcome));
}

}  // namespace smsd::gammu
