// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/modem.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace smsd::gammu {
namespace {

using namespace std::chrono_literals;

constexpr auto greeting = 1000ms;   // for each of three tries
constexpr auto answer = 2000ms;     // for a command that the modem answers by itself
constexpr auto simAnswer = 5000ms;  // for a command that involves the SIM
constexpr auto quiet = 120ms;
constexpr int allTries = 3;  // of a PIN, as ETSI TS 102 221 allows

/// Splits `0,1,"00A1"` into its fields and removes the quotes.
std::vector<std::string> fields(const std::string& text) {
  std::vector<std::string> result(1);
  bool quoted = false;
  for (char c : text) {
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      result.emplace_back();
    else if (c != ' ' || quoted)
      result.back() += c;
  }
  return result;
}

std::optional<int> numberIn(const std::string& text) {
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Returns the registration state (TS 27.007 7.2). `<n>,<stat>` is the answer. `<stat>`, alone or followed by
/// the area's number, is an unsolicited message, or the answer of a modem that leaves <n> out.
std::optional<int> registrationIn(const AtReply& reply, std::string_view prefix) {
  std::optional<int> alone;
  for (auto& said : reply.allAfter(prefix)) {
    auto parts = fields(said);
    if (auto state = parts.size() > 1 ? numberIn(parts[1]) : std::nullopt) return state;
    alone = numberIn(parts[0]);
  }
  return alone;
}

bool isRegistered(int state) {
  return state == 1 || state == 5 || state == 6 || state == 7 || state == 9 || state == 10;
}

std::string registrationName(int state) {
  switch (state) {
    case 0:
      return "none";
    case 1:
      return "home";
    case 2:
      return "searching";
    case 3:
      return "denied";
    case 5:
      return "roaming";
    case 6:
      return "home, SMS only";
    case 7:
      return "roaming, SMS only";
    case 8:
      return "emergency calls only";
    default:
      return "unknown";
  }
}

ModemEvent eventOf(LineError error) {
  switch (error) {
    case LineError::noPermission:
      return ModemEvent::noPermission;
    case LineError::inUse:
      return ModemEvent::inUse;
    default:
      return ModemEvent::noDevice;
  }
}

}  // namespace

std::optional<unsigned> speedOf(const std::string& connection) {
  if (connection == "at") return 19200;
  if (!connection.starts_with("at")) return std::nullopt;
  auto speed = numberIn(connection.substr(2));
  for (int known : {4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600})
    if (speed == known) return static_cast<unsigned>(known);
  return std::nullopt;
}

void Modem::detail(const std::string& name, std::string value) {
  for (auto& [known, old] : known_.details)
    if (known == name) {
      old = std::move(value);
      return;
    }
  known_.details.emplace_back(name, std::move(value));
}

void Modem::forget(std::string_view name) {
  std::erase_if(known_.details, [&](auto& known) { return known.first == name; });
}

AtReply Modem::ask(std::string_view command, SerialLine::Milliseconds within) {
  AtReply reply = line_.ask(command, within);
  if (reply.end != AtReply::End::silence && reply.end != AtReply::End::gone) wasSeen();
  return reply;
}

ModemCondition Modem::failed(ModemEvent event, const std::string& more) {
  // The details of a modem that cannot be reached are no longer known to be true.
  for (ModemEvent away :
       {ModemEvent::noDevice, ModemEvent::noPermission, ModemEvent::inUse, ModemEvent::mute})
    if (event == away) known_.details.clear();
  known_.problem = event;
  known_.reason = outcomeOf(event).words;
  if (!more.empty()) known_.reason += ": " + more;
  return known_;
}

void Modem::abort() {
  aborted_ = true;
  line_.interrupt();
  phone_.abort();
}

int Modem::copyOfLine() const { return line_.isOpen() ? ::fcntl(line_.fd(), F_DUPFD_CLOEXEC, 0) : -1; }

void Modem::close() {
  phone_.close();
  line_.close();
}

void Modem::restart() {
  phone_.close();
  line_.resume();
  if (!line_.isOpen()) return;
  // First leaves a half-entered text.
  line_.forgetCommand();
  line_.write("\x1b\r", answer);
  ask("AT+CFUN=1,1", answer);
  close();
}

ModemCondition Modem::open() {
  close();
  aborted_ = false;
  line_.resume();
  known_ = {.problem = {}, .reason = {}, .details = {}, .seen = known_.seen};
  LineError error = line_.open(settings_.phone.device, speedOf(settings_.phone.connection).value_or(115200));
  if (error == LineError::failed) return failed(ModemEvent::noDevice, "the path is no working serial line");
  if (error != LineError::none) return failed(eventOf(error));
  if (!greet()) return failed(line_.hungUp() ? ModemEvent::noDevice : ModemEvent::mute);
  if (auto event = unlock()) return failed(*event);
  ModemCondition condition = start();
  return condition.problem ? condition : look();
}

/// Leaves a half-entered text, and gives a sleeping modem three chances to answer.
bool Modem::greet() {
  line_.flush();
  line_.write("\x1b\r", greeting);
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (ask("AT", greeting).end != AtReply::End::ok) continue;
    line_.readUntilQuiet(quiet);  // drops the rest of earlier answers
    ask("AT+CMEE=1", answer);
    return true;
  }
  return false;
}

/// Returns no event if nothing has to be entered.
std::optional<ModemEvent> Modem::askSim() {
  AtReply reply = ask("AT+CPIN?", simAnswer);
  if (reply.end == AtReply::End::cme || reply.end == AtReply::End::cms) {
    detail("SIM", outcomeOf(reply).words);
    switch (reply.number.value_or(-1)) {
      case 10:
      case 310:
        return ModemEvent::noSim;
      case 11:
      case 311:
        return ModemEvent::pinMissing;
      case 12:
      case 316:
        return ModemEvent::pukNeeded;
      case 14:
      case 314:
        return ModemEvent::simBusy;
      default:
        return ModemEvent::simFailed;
    }
  }
  if (reply.end == AtReply::End::silence && !line_.isInterrupted()) return ModemEvent::mute;
  if (reply.end == AtReply::End::gone) return ModemEvent::noDevice;
  auto said = reply.after("+CPIN:");
  if (!said) return std::nullopt;  // no SIM (CDMA), an unknown command, or interrupted
  std::string state = said->substr(std::min(said->find_first_not_of(' '), said->size()));
  detail("SIM", state == "READY" ? "ready" : "asks for " + state);
  if (state == "READY") return std::nullopt;
  if (state == "SIM PIN") return ModemEvent::pinMissing;
  if (state == "SIM PUK") return ModemEvent::pukNeeded;
  return ModemEvent::simFailed;
}

/// Returns the number of tries left for the PIN: by CPINR (TS 27.007 8.65), otherwise by Huawei's command.
std::optional<int> Modem::triesLeft() {
  if (auto said = ask("AT+CPINR=\"SIM PIN\"", answer).after("+CPINR:")) {
    auto parts = fields(*said);
    if (parts.size() >= 2) return numberIn(parts[1]);
  }
  if (auto said = ask("AT^CPIN?", answer).after("^CPIN:")) {
    auto parts = fields(*said);  // code, tries of it, of PUK, of PIN, of PUK2, of PIN2
    if (parts.size() >= 4) return numberIn(parts[3]);
  }
  return std::nullopt;
}

/// A wrong PIN costs one of three tries, and the SIM is locked after the third. Therefore the PIN is tried
/// only while all three are left, even if an earlier run or another program used up the others.
std::optional<ModemEvent> Modem::unlock() {
  auto event = askSim();
  if (event != ModemEvent::pinMissing || settings_.pin.empty()) return event;
  if (pinRefused_) return ModemEvent::pinRefused;
  auto left = triesLeft();
  if (left ? *left < allTries : settings_.counter == ModemSettings::Counter::required)
    return left ? ModemEvent::pinTriesUsed : ModemEvent::pinTriesUnknown;
  pinRefused_ = true;  // until the SIM is known to have accepted it: silence does not justify another try
  AtReply reply = ask("AT+CPIN=\"" + settings_.pin.reveal() + "\"", simAnswer);
  if (reply.end != AtReply::End::ok) return ModemEvent::pinRefused;
  pinRefused_ = false;
  event = askSim();
  return event == ModemEvent::simBusy ? std::nullopt : event;
}

ModemCondition Modem::ofError(int error) {
  if (line_.hungUp()) return failed(ModemEvent::noDevice);
  return failed(ModemEvent::mute, outcomeOf(ErrorSource::gammu, error).words);
}

int Modem::startPhone() {
  bridge_->clear();
  Carried carried(carrier_);
  PhoneSettings settings = settings_.phone;
  settings.device = bridge_->path();
  if (int error = phone_.open(settings); error != noError) return error;
  std::string maker = phone_.manufacturer();
  detail("modem", maker.empty() ? phone_.model() : maker + " " + phone_.model());
  centre_ = settings_.centre;
  if (!centre_.empty()) return noError;
  const int error = phone_.readCentre(centre_);
  return error == 70 || error == 14 ? error : noError;
}

ModemCondition Modem::start() {
  if (int error = startPhone(); error != noError) return ofError(error);
  wasSeen();
  if (centre_.empty()) return failed(ModemEvent::noCentre);
  ask("AT+COPS=3,2", answer);  // from now on the modem reports operators by number
  return known_;
}

ModemCondition Modem::look() {
  line_.resume();
  // The known condition is no answer here, because it may be good and nothing would be asked for it.
  if (line_.isOpen() && !line_.hungUp() && !aborted_) {
    looking_ = true;
    askAll();
    looking_ = false;
  }
  if (!line_.isOpen()) return known_.problem ? known_ : failed(ModemEvent::noDevice);
  if (line_.hungUp()) return failed(ModemEvent::noDevice);
  return aborted_ ? failed(ModemEvent::mute) : known_;
}

void Modem::askAll() {
  line_.flush();
  auto event = askSim();
  if (!event && !line_.isInterrupted()) event = askRegistration();
  if (event) {
    failed(*event);
    return;
  }
  if (line_.isInterrupted()) return;
  // Before the signal, which may be interrupted: SMS can be sent.
  known_.problem.reset();
  known_.reason.clear();
  askSignal();
}

/// Queries circuit switched, packet and LTE registration: any of them is enough to send SMS.
std::optional<ModemEvent> Modem::askRegistration() {
  std::optional<int> first;
  for (std::string name : {"+CREG", "+CGREG", "+CEREG"}) {
    auto state = registrationIn(ask("AT" + name + "?", answer), name + ":");
    if (line_.isInterrupted()) return std::nullopt;
    if (state && isRegistered(*state)) {
      detail("registration", registrationName(*state));
      return std::nullopt;
    }
    if (!first) first = state;
  }
  if (!first) {
    forget("registration");
    return std::nullopt;  // the modem does not report it
  }
  detail("registration", registrationName(*first));
  if (settings_.registration == ModemSettings::Registration::ignored) return std::nullopt;
  return *first == 3 ? ModemEvent::registrationDenied : ModemEvent::notRegistered;
}

/// Queries the operator, the signal and the battery (TS 27.007 7.3, 8.5, 8.4).
void Modem::askSignal() {
  if (auto said = ask("AT+COPS?", answer).after("+COPS:")) {
    auto parts = fields(*said);
    std::string code = parts.size() > 2 ? parts[2] : "";
    std::string known = operatorName(code);
    detail("operator", code.empty() ? "none" : known.empty() ? code : known + " (" + code + ")");
  }
  if (auto said = ask("AT+CSQ", answer).after("+CSQ:")) {
    auto strength = numberIn(fields(*said)[0]);
    bool isKnown = strength && *strength >= 0 && *strength <= 31;
    detail("signal", isKnown ? std::to_string(-113 + 2 * *strength) + " dBm" : "not known");
  }
  if (auto said = ask("AT+CBC", answer).after("+CBC:")) {
    auto parts = fields(*said);
    auto charge = parts.size() > 1 ? numberIn(parts[1]) : std::nullopt;
    if (charge && *charge >= 0 && *charge <= 100) detail("battery", std::to_string(*charge) + "%");
  }
}

}  // namespace smsd::gammu
