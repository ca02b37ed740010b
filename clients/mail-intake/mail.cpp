// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/mail-intake/mail.h"

#include <fmt/format.h>
#include <gmime/gmime.h>

#include <algorithm>
#include <memory>

#include "clients/mail-intake/mail-text.h"
#include "clients/shapes/dedupe-key.h"
#include "clients/shapes/destinations.h"
#include "clients/shapes/foreign-text.h"

namespace smsd::mailintake {
namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using Ref = std::unique_ptr<T, Unref>;

constexpr const char* noText =
    "the mail has no part of the type text/plain, or it is empty: send the alert as plain text";

bool startsWithWord(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char w, char t) { return w == (t | 0x20); });
}

/// Returns `mail` without the line that mailboxes put before it.
std::string_view withoutEnvelope(std::string_view mail) {
  if (!mail.starts_with("From ")) return mail;
  return mail.substr(std::min(mail.find('\n'), mail.size() - 1) + 1);
}

/// Counts the lines for which the parser may make an object, before it makes any.
std::string problemOf(std::string_view mail) {
  std::size_t boundaries = 0, messages = 0, header = std::string_view::npos;
  for (std::size_t at = 0; at < mail.size();) {
    const std::size_t end = std::min(mail.find('\n', at), mail.size());
    const std::string_view line = mail.substr(at, end - at);
    if (header == std::string_view::npos && (line.empty() || line == "\r")) header = at;
    if (line.starts_with("--")) ++boundaries;
    // The type may also be on the next line of the field.
    if (startsWithWord(line, "content-type") || line.find("essage/") != std::string_view::npos) ++messages;
    at = end + 1;
  }
  if (std::min(header, mail.size()) > maxHeader)
    return fmt::format("the header of the mail has more than {} KiB", maxHeader >> 10);
  if (boundaries > maxBoundaries || messages > maxBoundaries)
    return fmt::format("the mail has more than {} parts or lines that begin with --", maxBoundaries);
  return {};
}

struct PartSearch {
  GMimePart* text = nullptr;
  unsigned parts = 0;
};

bool isTextPart(GMimeObject* object) {
  if (!GMIME_IS_PART(object)) return false;
  const char* disposition = g_mime_object_get_disposition(object);
  if (disposition != nullptr && g_ascii_strcasecmp(disposition, "attachment") == 0) return false;
  GMimeContentType* type = g_mime_object_get_content_type(object);
  return type == nullptr || g_mime_content_type_is_type(type, "text", "plain");
}

/// Finds the first text part. Does not look into messages that are attached.
void visit(GMimeObject* object, unsigned depth, PartSearch& seen) {
  if (object == nullptr || seen.text != nullptr || ++seen.parts > maxParts || depth > maxDepth) return;
  if (isTextPart(object)) {
    seen.text = GMIME_PART(object);
  } else if (GMIME_IS_MULTIPART(object)) {
    const int count = g_mime_multipart_get_count(GMIME_MULTIPART(object));
    for (int at = 0; at < count; ++at)
      visit(g_mime_multipart_get_part(GMIME_MULTIPART(object), at), depth + 1, seen);
  }
}

/// The decoded text; its charset is applied.
std::string textOf(GMimePart* part) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  if (content == nullptr) return {};
  const Ref<GMimeStream> memory(g_mime_stream_mem_new());
  if (g_mime_data_wrapper_write_to_stream(content, memory.get()) < 0) return {};
  const GByteArray* bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory.get()));
  const char* charset = g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "charset");
  return converted({reinterpret_cast<const char*>(bytes->data), bytes->len},
                   charset == nullptr ? "" : charset);
}

Ref<GMimeMessage> parsed(std::string_view mail) {
  prepare();
  const Ref<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(mail.data(), mail.size()));
  const Ref<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  g_mime_parser_set_format(parser.get(), GMIME_FORMAT_MESSAGE);
  return Ref<GMimeMessage>(g_mime_parser_construct_message(parser.get(), nullptr));
}

/// The numbers of a subject `sms NUMBER`.
shapes::Destinations destinationsOf(std::string_view subject) {
  constexpr const char* expected = "the subject has to be `sms NUMBER`, for example `sms +4799887766`";
  while (subject.starts_with(' ')) subject.remove_prefix(1);
  if (!startsWithWord(subject, "sms")) return {{}, expected};
  subject.remove_prefix(3);
  if (subject.empty() || (subject.front() != ' ' && subject.front() != '\t')) return {{}, expected};
  return shapes::destinationsIn(subject, shapes::LongNumber::asWritten);
}

}  // namespace

void prepare() {
  static const bool done = [] {
    g_mime_init();
    openConverters();
    return true;
  }();
  static_cast<void>(done);
}

MailRead readMail(std::string_view mail, const std::string& to, int severity) {
  mail = withoutEnvelope(mail.substr(0, maxMail));
  if (auto problem = problemOf(mail); !problem.empty()) return {{}, std::move(problem)};
  const auto message = parsed(mail);
  if (message == nullptr) return {{}, "the mail has no header"};
  const char* field = g_mime_message_get_subject(message.get());
  const std::string subject = shapes::foreignText(field == nullptr ? "" : field);
  auto destinations =
      to.empty() ? destinationsOf(subject) : shapes::destinationsIn(to, shapes::LongNumber::international);
  if (!destinations.problem.empty()) return {{}, std::move(destinations.problem)};
  PartSearch seen;
  visit(g_mime_message_get_mime_part(message.get()), 0, seen);
  std::string text = seen.text == nullptr ? std::string() : shapes::foreignText(textOf(seen.text));
  if (text.empty() && !to.empty()) text = subject;
  if (text.empty()) return {{}, noText};
  const char* id = g_mime_message_get_message_id(message.get());
  const std::string key = shapes::keyOf("mail-", {id == nullptr ? mail : std::string_view(id), text});
  MailRead read;
  for (auto& target : destinations.targets)
    read.alerts.push_back({.to = std::move(target), .text = text, .severity = severity, .key = key});
  return read;
}

}  // namespace smsd::mailintake
