// SPDX-License-Identifier: GPL-3.0-or-later
// What the workers' pure rooms cost for each SMS: templates, answers, mails, envelopes, parts.
#include <memory>
#include <stdexcept>

#include "tests/bench/work-loads.h"
#include "workers/gammu/parts.h"
#include "workers/mail/message.h"
#include "workers/mail/replies.h"
#include "workers/net/rules.h"
#include "workers/net/template.h"
#include "workers/soap/envelope.h"

namespace smsd::bench {
namespace {

constexpr const char* origin = "https://gw.example.org:443";
constexpr const char* text =
    "1: core-gw1: \"ge-0/0/17\" <down> & out; 2: ups-3 p\xC3\xA5 batteri \xF0\x9F\x94\xA5";
constexpr net::Values sms{"+4799887766", text, "364e34f111c8-17", "unicode"};

template <typename T>
T parsed(std::variant<T, net::TemplateProblem> result) {
  if (auto* problem = std::get_if<net::TemplateProblem>(&result))
    throw std::logic_error(net::describe(*problem));
  return std::get<T>(std::move(result));
}

WorkLoad body(const std::string& name, const std::string& written, net::BodyType type) {
  return {name, "SMS", 200,
          [made = parsed(net::BodyTemplate::parse(written, type))]() { return made.expand(sms).size(); }};
}

std::size_t lengthOf(const kit::Outcome& outcome) {
  if (auto* accepted = std::get_if<kit::Accepted>(&outcome)) return 1000 + accepted->reference.size();
  if (auto* deferred = std::get_if<kit::Deferred>(&outcome)) return 2000 + deferred->reason.size();
  if (auto* refused = std::get_if<kit::Refused>(&outcome)) return 3000 + refused->reason.size();
  return 0;
}

net::Exchange answer(int status, std::string body) {
  net::Exchange exchange;
  exchange.status = status;
  exchange.sent = net::Sent::something;
  exchange.body = std::move(body);
  return exchange;
}

/// Three answers: what a rule calls accepted, what one calls deferred, and what is left to the table.
WorkLoad rules() {
  auto made = std::make_shared<net::Rules>();
  config::Keys keys;
  made->declare(keys);
  auto problems = keys.read(R"(
answers:
  - {status: 2xx, json: /messages/0/status, equals: "0", is: accepted}
  - {status: 2xx, json: /messages/0/status, matches: "^(1|10)$", is: deferred, after: 2s, reason: too many}
  - {status: 2xx, body: "(?i)no such number", is: refused, reason: no such number}
reference: {json: /messages/0/id}
)",
                            "gateway.yaml");
  if (!problems.empty()) throw std::logic_error(config::describe(problems));
  return {
      "gateway-rules", "three answers", 100, [made]() {
        std::size_t sum = 0;
        for (auto& said : {answer(200, R"({"messages": [{"status": "0", "id": "a8-17", "price": 0.05}]})"),
                           answer(202, R"({"messages": [{"status": 10}]})"), answer(503, "busy")})
          sum += lengthOf(made->outcomeOf(said, origin));
        return sum;
      }};
}

std::size_t soapAnswer() {
  auto answered = soap::readAnswer(
      "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"
      "<sendMessageResponse><sendMessageReturn>0</sendMessageReturn><id>a8-17</id></sendMessageResponse>"
      "</s:Body></s:Envelope>",
      "");
  return answered ? answered->dump().size() : 0;
}

std::size_t mail() {
  mail::MailParts parts{.from = "smsd@example.org",
                        .to = "4799887766@sms.example.org",
                        .subject = "sms +4799887766 p\xC3\xA5 vei",
                        .body = text,
                        .messageId = "364e34f111c8-17@smsd",
                        .date = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000))};
  mail::Conversation taken{.stage = mail::SmtpStage::content, .reply = 250, .reference = "4Xy1"};
  return mail::compose(parts).size() + mail::referenceIn("2.0.0 Ok: queued as 4Xy1").size() +
         lengthOf(
             mail::outcomeOf(taken, "smtp://127.0.0.1:25", mail::Addressee::ofTheSms, mail::Relay::proven));
}

std::size_t parts() {
  std::string longOne;
  for (int i = 0; i < 3; ++i) longOne += text;
  auto cut = gammu::partsOf(longOne, "364e34f111c8-17");
  auto number = gammu::dialled("+47 99 88 77 66");
  return cut && number ? cut->parts.size() * 100 + number->size() : 0;
}

}  // namespace

std::vector<WorkLoad> workerLoads() {
  auto url = parsed(net::UrlTemplate::parse("https://gw.example.org/send?to={recipient}&m={text}&key={key}"));
  return {
      {"template-url", "SMS", 200, [url]() { return url.expand(sms).value_or("").size(); }},
      body("template-json", R"({"to": "{digits}", "from": "NOC", "text": "{text}", "type": "{encoding}"})",
           net::BodyType::json),
      body("template-soap",
           soap::envelopeOf("sendMessage", "urn:gw",
                            {{"to", "string", "{recipient}"}, {"text", "string", "{text}"}}),
           net::BodyType::xml),
      rules(),
      {"soap-answer", "answer", 100, soapAnswer},
      {"mail-letter", "SMS", 100, mail},
      {"modem-parts", "SMS", 100, parts},
  };
}

}  // namespace smsd::bench
