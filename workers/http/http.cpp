// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/http/http.h"

#include <strings.h>

#include <algorithm>
#include <utility>

#include "common/text/gsm7.h"
#include "common/text/utf.h"

namespace smsd::http {
namespace {

using net::Placeholder;

}  // namespace

void HttpDispatcher::declare(config::Keys& keys) {
  keys.text("url", settings_.url,
            "the gateway's URL, http or https; {recipient}, {digits} (of the recipient), {text}, {key} (the "
            "idempotency key), {encoding} and names from `secrets` may stand in its path or query; their "
            "values are escaped, the rest is sent unchanged",
            config::Presence::required);
  keys.example("url",
               "\"https://gateway.example.org/send?user=noc&password={password}&to={recipient}&m={text}\"");
  keys.choice("method", settings_.method,
              {{"GET", net::Method::get}, {"POST", net::Method::post}, {"PUT", net::Method::put}},
              "the method of the request");
  keys.list<Header>(
      "headers", settings_.headers,
      [](config::Keys& inner, Header& header) {
        inner.text("name", header.name, "its name", config::Presence::required);
        inner.example("name", "X-Api-Key");
        inner.text("value", header.value, "its value, with placeholders as in the url",
                   config::Presence::required);
        inner.example("value", "\"{password}\"");
        inner.rule("name", [&header]() -> std::optional<std::string> {
          if (net::isHeaderName(header.name)) return std::nullopt;
          return "expected the name of a header";
        });
      },
      "headers of each request");
  keys.text("body", settings_.body, "the body of a POST or PUT, with placeholders as in the url");
  keys.example("body", "'{\"to\": \"{digits}\", \"text\": \"{text}\"}'");
  keys.choice("body_type", settings_.bodyType,
              {{"form", net::BodyType::form}, {"json", net::BodyType::json}, {"xml", net::BodyType::xml}},
              "the form of the body: decides its Content-Type and how values are escaped in it");
  keys.text("encodings.gsm7", settings_.gsm7, "the value of {encoding} for a text in the GSM 7-bit alphabet");
  keys.example("encodings.gsm7", "text");
  keys.text("encodings.ucs2", settings_.ucs2, "the value of {encoding} for any other text");
  keys.example("encodings.ucs2", "unicode");
  endpoint_.declare(keys);
  rules_.declare(keys);
  // `url` is checked last, so that a placeholder missing from all three is reported there.
  keys.rule("headers", [this] { return readHeaders(); });
  keys.rule("body", [this] { return readBody(); });
  keys.rule("url", [this] { return readUrl(); });
}

std::optional<std::string> HttpDispatcher::readUrl() {
  auto parsed = net::UrlTemplate::parse(settings_.url, endpoint_.constants());
  if (auto problem = std::get_if<net::TemplateProblem>(&parsed)) return net::describe(*problem);
  url_ = std::get<net::UrlTemplate>(std::move(parsed));
  if (!headersAreGood_ || !bodyIsGood_)
    return std::nullopt;  // the missing placeholder may be in the faulty one
  if (!contains(Placeholder::recipient) && !contains(Placeholder::digits))
    return "expected {recipient} or {digits} in url, headers or body";
  if (!contains(Placeholder::text)) return "expected {text} in url, headers or body";
  saysEncoding_ = contains(Placeholder::encoding);
  saysDigits_ = contains(Placeholder::digits);
  return std::nullopt;
}

std::optional<std::string> HttpDispatcher::readHeaders() {
  for (auto& header : settings_.headers) {
    if (auto problem = endpoint_.problemOfHeader(header.name)) return header.name + ": " + *problem;
    auto parsed = net::parseHeaderValue(header.value, endpoint_.constants());
    if (auto problem = std::get_if<net::TemplateProblem>(&parsed))
      return "the value of header " + std::to_string(&header - settings_.headers.data() + 1) + ": " +
             net::describe(*problem);
    auto& value = std::get<net::Template>(parsed);
    bool varies = false;
    for (auto placeholder : {Placeholder::recipient, Placeholder::digits, Placeholder::text, Placeholder::key,
                             Placeholder::encoding})
      varies = varies || value.contains(placeholder);
    if (varies)
      headers_.push_back({header.name + ": ", std::move(value)});
    else
      fixed_.push_back(header.name + ": " + value.expand({}));
  }
  headersAreGood_ = true;
  return std::nullopt;
}

std::optional<std::string> HttpDispatcher::readBody() {
  bool may = settings_.method != net::Method::get;
  bodyIsGood_ = settings_.body.empty();
  if (bodyIsGood_) return std::nullopt;
  if (!may) return "a GET has no body, expected `method: POST` or PUT";
  auto parsed = net::BodyTemplate::parse(settings_.body, settings_.bodyType, endpoint_.constants());
  if (auto problem = std::get_if<net::TemplateProblem>(&parsed)) return net::describe(*problem);
  body_ = std::get<net::BodyTemplate>(std::move(parsed));
  bodyIsGood_ = true;
  return std::nullopt;
}

bool HttpDispatcher::contains(Placeholder placeholder) const {
  return url_.contains(placeholder) || body_.contains(placeholder) ||
         std::any_of(headers_.begin(), headers_.end(),
                     [&](const HeaderTemplate& header) { return header.value.contains(placeholder); });
}

bool HttpDispatcher::says(const char* name) const {
  return std::any_of(settings_.headers.begin(), settings_.headers.end(),
                     [name](const Header& header) { return ::strcasecmp(header.name.c_str(), name) == 0; });
}

sandbox::Policy HttpDispatcher::policy() { return endpoint_.policy(url_.port()); }

kj::Promise<void> HttpDispatcher::start(kj::AsyncIoContext& io) {
  auto settings = endpoint_.transfers();
  settings.method = settings_.method;
  settings.headers = fixed_;
  if (!says("User-Agent")) settings.headers.push_back(net::Endpoint::agentHeader());
  if (settings_.method != net::Method::get && !says("Content-Type"))
    settings.headers.push_back("Content-Type: " + std::string(net::contentTypeOf(settings_.bodyType)));
  settings.wanted = rules_.wanted();
  transfers_ = std::make_unique<net::Transfers>(std::move(settings), io);
  return kj::READY_NOW;
}

kit::Traits HttpDispatcher::traits() const { return endpoint_.traits("http"); }

std::string_view HttpDispatcher::encodingOf(const std::string& text) const {
  if (!saysEncoding_) return {};
  return text::septets(text::decode(text)) ? settings_.gsm7 : settings_.ucs2;
}

kj::Promise<kit::Outcome> HttpDispatcher::send(kit::Job job) {
  if (saysDigits_ && !net::digitsOf(job.recipient)) return kit::Outcome(kit::Refused{net::noDigits});
  net::Values values{job.recipient, job.text, job.key, encodingOf(job.text)};
  auto url = url_.expand(values);
  if (!url)
    return kit::Outcome(
        kit::Refused{"a value that is . or .. cannot stand in the path of the gateway's url"});
  net::Request request{*std::move(url), {}, endpoint_.deadline(job.deadline), body_.expand(values)};
  request.headers.reserve(1 + headers_.size());
  request.headers.push_back(endpoint_.keyHeader(job.key));
  for (auto& header : headers_) {
    auto& line = request.headers.emplace_back(header.start);
    header.value.append(line, values);
  }
  return transfers_->run(std::move(request)).then([this](const net::Exchange& exchange) {
    return outcomeOf(exchange);
  });
}

kit::Outcome HttpDispatcher::outcomeOf(const net::Exchange& exchange) {
  lastStatus_ = exchange.status;
  auto outcome = rules_.outcomeOf(exchange, url_.origin());
  if (auto* accepted = std::get_if<kit::Accepted>(&outcome)) endpoint_.hideSecrets(accepted->reference);
  return outcome;
}

kit::Condition HttpDispatcher::condition() const {
  // Never broken by itself: the supervisor's probe finds out whether a gateway that rejected one SMS takes
  // the next.
  std::string last = lastStatus_ < 0    ? "none yet"
                     : lastStatus_ == 0 ? "no answer"
                                        : "status " + std::to_string(lastStatus_);
  return {.broken = "", .details = {{"gateway", url_.origin()}, {"last answer", last}}};
}

}  // namespace smsd::http
