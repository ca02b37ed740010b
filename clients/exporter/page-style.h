// SPDX-License-Identifier: GPL-3.0-or-later
// How the page looks: its style sheet, and the shapes that stand beside words.
//
// A colour never carries a meaning alone: each state has a word and a shape, too. The type follows the size
// of the screen (page-style.cpp explains the sizes). Pure constants.
#pragma once

#include "clients/exporter/html.h"

namespace smsd::exporter {

/// The content of the style element. The policy of the page (contentSecurityPolicy) allows exactly these
/// bytes.
Markup pageStyle();

/// A shape of the size of a letter, which readers of a screen skip.
enum class Symbol {
  tick,       // a disc: it works
  cross,      // an octagon: it does not work
  warning,    // a triangle: a part does not work
  question,   // a square on its corner: an operator has to decide
  dot,        // a ring with a dot: to know
  hourglass,  // it waits, to try again
  ring,       // a ring that is not closed: it starts
  bars,       // two bars: paused
};

Markup markupOf(Symbol symbol);

}  // namespace smsd::exporter
