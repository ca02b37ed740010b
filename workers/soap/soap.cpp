// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/soap/soap.h"

#include <algorithm>
#include <utility>

#include "common/text/ascii.h"
#include "common/text/utf.h"
#include "workers/net/answer-text.h"
#include "workers/soap/multipart.h"

namespace smsd::soap {
namespace {

using net::Placeholder;

/// Whether `result` is a failure without a reason. NAV's plugin treats every value that is false in Python as
/// a failure.
bool saysNo(const std::string& result) {
  return result.empty() || result == "0" || result == "false" || result == "False" || result == "FALSE";
}
/// Whether `result` is a success without an id.
bool saysYes(const std::string& result) {
  return result == "1" || result == "true" || result == "True" || result == "TRUE";
}

/// Whether `result` may be an id that an ExternalSender gives an SMS. The error values of that service are
/// not documented; in other services a text or a negative number is an error.
bool isId(const std::string& result) {
  return !result.empty() && result.size() <= 20 &&
         result.find_first_not_of("0123456789") == std::string::npos &&
         result.find_first_not_of('0') != std::string::npos;
}

bool isSuccess(const net::Exchange& exchange) { return exchange.status >= 200 && exchange.status < 300; }

std::string trimmed(const std::string& text) {
  std::size_t begin = text.find_first_not_of(text::blanks);
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(text::blanks) + 1 - begin);
}

bool isHeaderText(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~' && c != '"'; });
}

}  // namespace

void SoapDispatcher::declare(config::Keys& keys) {
  keys.text("url", settings_.url, "the service's URL, http or https", config::Presence::required);
  keys.example("url", "https://gateway.example.org/soap");
  keys.choice("preset", settings_.preset, {{"none", Preset::none}, {"boost", Preset::boost}},
              "a service whose call is known: boost is sendMessage(username, password, sender, phone, sms)");
  keys.text("username", settings_.username, "the username, for a preset");
  keys.example("username", "noc");
  keys.secretFile("password_file", settings_.password,
                  "a file whose first line is the password, for a preset");
  keys.text("sender", settings_.sender, "the number or name that SMS come from, for a preset");
  keys.example("sender", "\"+4712345678\"");
  keys.text("method", settings_.method, "the method to call");
  keys.example("method", "send");
  keys.text("namespace", settings_.nameSpace, "the namespace of the method; empty: none");
  keys.example("namespace", "urn:sms");
  keys.text("action", settings_.action, "the SOAPAction header's value");
  keys.example("action", "urn:sms#send");
  keys.list<Parameter>(
      "parameters", settings_.parameters,
      [](config::Keys& inner, Parameter& parameter) {
        inner.text("name", parameter.name, "its name", config::Presence::required);
        inner.example("name", "to");
        inner.text("type", parameter.type, "its type in XML Schema");
        inner.text("value", parameter.value,
                   "its value; {recipient}, {digits} (of the recipient), {text}, {key} (the idempotency key) "
                   "and names from `secrets` may stand in it",
                   config::Presence::required);
        inner.example("value", "\"{recipient}\"");
        inner.rule("name", [&parameter]() -> std::optional<std::string> {
          if (isName(parameter.name)) return std::nullopt;
          return "expected a name that may stand in XML, without a prefix";
        });
        inner.rule("type", [&parameter]() -> std::optional<std::string> {
          if (isName(parameter.type)) return std::nullopt;
          return "expected a type of XML Schema, like string or int";
        });
      },
      "the method's parameters, in their order");
  keys.text("result", settings_.result, "the name of the value that is the result; empty: the first one");
  keys.example("result", "ticket");
  endpoint_.declare(keys);
  rules_.declare(keys);
  keys.rule("preset", [this] { return readPreset(); });
  keys.rule("url", [this] { return readUrl(); });
  keys.rule("action", [this]() -> std::optional<std::string> {
    if (isHeaderText(settings_.action)) return std::nullopt;
    return "expected printable ASCII without quotation marks";
  });
  keys.rule("parameters", [this] { return readCall(); });
}

std::optional<std::string> SoapDispatcher::readUrl() {
  // Checked before UrlTemplate::parse(), whose message would list the placeholders: none is allowed in this
  // URL.
  if (std::size_t brace = settings_.url.find_first_of("{}"); brace != std::string::npos)
    return net::describe({brace + 1, "a placeholder or a secret may stand only in a parameter's value"});
  auto parsed = net::UrlTemplate::parse(settings_.url);
  if (auto problem = std::get_if<net::TemplateProblem>(&parsed)) return net::describe(*problem);
  url_ = std::get<net::UrlTemplate>(std::move(parsed));
  return std::nullopt;
}

// Requires each of these keys in the file itself. In NAV, defaults leak between sections, and a missing Boost
// username silently becomes the NAV user.
std::optional<std::string> SoapDispatcher::readPreset() {
  bool given = !settings_.username.empty() || !settings_.password.empty() || !settings_.sender.empty();
  if (settings_.preset == Preset::none) {
    if (given)
      return "expected username, password_file and sender only with a preset; parameters use `secrets`";
    if (!isName(settings_.method)) return "expected `method`, a name without a prefix, or a preset";
    return std::nullopt;
  }
  if (settings_.username.empty() || settings_.password.empty() || settings_.sender.empty())
    return "expected username, password_file and sender with the preset boost";
  if (!settings_.method.empty() || !settings_.parameters.empty())
    return "expected no method and no parameters with the preset boost, which sets them";
  settings_.method = "sendMessage";
  settings_.parameters = {{.name = "username", .value = "{preset_username}"},
                          {.name = "password", .value = "{preset_password}"},
                          {.name = "sender", .value = "{preset_sender}"},
                          {.name = "phone", .value = "{recipient}"},
                          {.name = "sms", .value = "{text}"}};
  endpoint_.hideToo(settings_.password);
  return std::nullopt;
}

net::Constants SoapDispatcher::constants() const {
  auto constants = endpoint_.constants();
  constants.push_back({"preset_username", config::Secret(settings_.username)});
  constants.push_back({"preset_password", settings_.password});
  constants.push_back({"preset_sender", config::Secret(settings_.sender)});
  return constants;
}

std::optional<std::string> SoapDispatcher::readCall() {
  if (settings_.method.empty()) return std::nullopt;  // readPreset() has reported it
  auto parsed =
      net::BodyTemplate::parse(envelopeOf(settings_.method, settings_.nameSpace, settings_.parameters),
                               net::BodyType::xml, constants());
  // Without the position, because the operator did not write the envelope.
  if (auto problem = std::get_if<net::TemplateProblem>(&parsed)) return problem->what;
  call_ = std::get<net::BodyTemplate>(std::move(parsed));
  if (!call_.contains(Placeholder::recipient) && !call_.contains(Placeholder::digits))
    return "expected {recipient} or {digits} in one of the values";
  if (!call_.contains(Placeholder::text)) return "expected {text} in one of the values";
  if (call_.contains(Placeholder::encoding)) return "{encoding} is for http only";
  return std::nullopt;
}

sandbox::Policy SoapDispatcher::policy() { return endpoint_.policy(url_.port()); }

kj::Promise<void> SoapDispatcher::start(kj::AsyncIoContext& io) {
  auto settings = endpoint_.transfers();
  settings.method = net::Method::post;
  settings.headers = {"Content-Type: text/xml; charset=utf-8", "SOAPAction: \"" + settings_.action + "\"",
                      net::Endpoint::agentHeader()};
  settings.wanted = {net::AnswerParts::Body::kept, rules_.wanted().header};
  transfers_ = std::make_unique<net::Transfers>(std::move(settings), io);
  return kj::READY_NOW;
}

kit::Traits SoapDispatcher::traits() const { return endpoint_.traits("soap"); }

kj::Promise<kit::Outcome> SoapDispatcher::send(kit::Job job) {
  if (call_.contains(Placeholder::digits) && !net::digitsOf(job.recipient))
    return kit::Outcome(kit::Refused{net::noDigits});
  net::Values values{job.recipient, job.text, job.key};
  return transfers_
      ->run({*url_.expand(values),
             {endpoint_.keyHeader(job.key)},
             endpoint_.deadline(job.deadline),
             call_.expand(values)})
      .then([this](const net::Exchange& exchange) {
        auto outcome = outcomeOf(exchange);
        if (auto* accepted = std::get_if<kit::Accepted>(&outcome)) endpoint_.hideSecrets(accepted->reference);
        return outcome;
      });
}

/// Returns the envelope of an answer as text: the body, or its root part when the answer has attachments.
std::string SoapDispatcher::textOf(const net::Exchange& exchange) {
  if (auto root = rootPart(exchange.body, exchange.contentType))
    return net::textOf(root->content, root->contentType);
  return net::textOf(exchange.body, exchange.contentType);
}

kit::Unknown SoapDispatcher::notUnderstood(std::string_view words, const net::Exchange& exchange) const {
  return {url_.origin() + " " + std::string(words) + " (" + std::to_string(exchange.status) + ")",
          isSuccess(exchange) ? kit::Reply::notUnderstood : kit::Reply::none};
}

kit::Outcome SoapDispatcher::outcomeOf(const net::Exchange& exchange) {
  lastStatus_ = exchange.status;
  // A Fault comes with status 500, or with 400 in SOAP 1.2. Any other error status decides by itself.
  bool mayHoldSoap = isSuccess(exchange) || exchange.status == 500 || exchange.status == 400;
  if (!mayHoldSoap) return rules_.outcomeOf(exchange, url_.origin());
  std::string text = textOf(exchange);
  bool whole = exchange.whole == net::Exchange::Body::whole;
  auto answer = whole ? readAnswer(text, settings_.result) : std::nullopt;
  bool isFault = answer && answer->contains("fault");
  if (exchange.status == 400 && !isFault) return rules_.outcomeOf(exchange, url_.origin());
  bool isEmpty = text.find_first_not_of(" \t\r\n") == std::string::npos;
  net::Answer read(exchange, std::move(text), answer.value_or(nlohmann::json::object()));
  if (auto ruled = rules_.firstFit(read, url_.origin())) return *std::move(ruled);
  // An empty 202 or 204 counts as an answer without values (SOAP 1.2 part 2, 7.5.1.2). An empty 200 does not,
  // because a script that failed may also leave one.
  if (!answer && whole && isEmpty && (exchange.status == 202 || exchange.status == 204))
    answer = {{"values", nlohmann::json::object()}};
  if (answer) return rules_.unruled(meaningOf(*answer, read), exchange, url_.origin());
  if (exchange.status == 500) return net::outcomeOf(exchange, url_.origin());
  return notUnderstood("does not answer in SOAP", exchange);
}

kit::Outcome SoapDispatcher::meaningOfFault(const std::string& code, const net::Exchange& exchange) const {
  // SOAP 1.1, 4.4.1, and SOAP 1.2 part 1, 5.4.6: these codes reject the form of every call. The code Client
  // (in 1.2 Sender) may be about this SMS or about our credentials, so it makes neither refused nor broken.
  for (auto ofSpeech : {"VersionMismatch", "MustUnderstand", "DataEncodingUnknown"})
    if (code == ofSpeech)
      return kit::Broken{url_.origin() + " does not accept this form of SOAP (" + code + ")"};
  bool ours = code.starts_with("Client") || code.starts_with("Sender");
  return kit::Deferred{
      url_.origin() + (ours ? " reports a fault of the call" : " reports a fault of its own"),
      exchange.retryAfter};
}

kit::Outcome SoapDispatcher::meaningOf(const nlohmann::json& answer, const net::Answer& read) const {
  const net::Exchange& exchange = read.exchange();
  if (answer.contains("fault")) return meaningOfFault(answer["fault"]["code"], exchange);
  bool isBoost = settings_.preset == Preset::boost;
  if (!answer.contains("result")) {
    if (!settings_.result.empty() || isBoost)
      return notUnderstood("gave an answer without the result", exchange);
    return kit::Accepted{rules_.reference(read).value_or("")};
  }
  if (answer["result"].is_structured())
    return notUnderstood("gave a result of several parts that no rule covers", exchange);
  std::string result = trimmed(answer["result"].is_string() ? answer["result"].get<std::string>() : "");
  if (saysNo(result)) return kit::Deferred{url_.origin() + " refuses without a reason", exchange.retryAfter};
  if (isBoost && !saysYes(result) && !isId(result))
    return notUnderstood("gave a result that is neither a yes nor the number of an SMS", exchange);
  if (auto reference = rules_.reference(read)) return kit::Accepted{*reference};
  if (saysYes(result)) return kit::Accepted{};
  return kit::Accepted{std::string(text::truncated(result, net::longestReference))};
}

kit::Condition SoapDispatcher::condition() const {
  std::string last = lastStatus_ < 0    ? "none yet"
                     : lastStatus_ == 0 ? "no answer"
                                        : "status " + std::to_string(lastStatus_);
  return {.broken = "", .details = {{"gateway", url_.origin()}, {"last answer", last}}};
}

}  // namespace smsd::soap
