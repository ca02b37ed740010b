// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/io/output.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "common/text/utf.h"

namespace smsd::io {
namespace {

const char* sequenceOf(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::good:
      return "\x1b[32m";
    case Style::warning:
      return "\x1b[33m";
    case Style::bad:
      return "\x1b[1;31m";
    case Style::strong:
      return "\x1b[1m";
    case Style::faint:
      return "\x1b[2m";
  }
  return "";
}

std::string written(const Line& line, Colour colour) {
  std::string text;
  for (const auto& span : line) {
    const bool styled = colour == Colour::yes && span.style != Style::plain;
    if (styled) text += sequenceOf(span.style);
    text += text::printable(span.text);
    if (styled) text += "\x1b[0m";
  }
  return text;
}

}  // namespace

void print(std::string_view text) { std::cout << text::printableLines(text); }
void complain(std::string_view text) { std::cerr << text::printableLines(text); }
void complainAs(std::string_view program, std::string_view text) {
  std::string lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto line = text.substr(begin, text.find('\n', begin) - begin);
    begin += line.size() + 1;
    if (!line.empty() && line.front() != ' ') lines.append(program).append(": ");
    lines.append(line).append("\n");
  }
  complain(lines);
}
void flush() { std::cout << std::flush; }

Colour wantedColour() {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool unable = terminal == nullptr || std::string_view(terminal) == "dumb";
  const bool wanted = refused == nullptr || *refused == '\0';
  return isatty(STDOUT_FILENO) == 1 && wanted && !unable ? Colour::yes : Colour::no;
}

void print(const Lines& lines, Colour colour) {
  for (const auto& line : lines) std::cout << written(line, colour) << "\n";
}

void redraw(const Lines& lines, Colour colour) {
  std::string all = "\x1b[H";
  for (const auto& line : lines) all += written(line, colour) + "\x1b[K\n";
  std::cout << all + "\x1b[J" << std::flush;
}

}  // namespace smsd::io
