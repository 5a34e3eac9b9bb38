// SPDX-License-Identifier: Apache-2.0
#include "tools/aidl/lexer.h"

#include <array>
#include <cctype>
#include <string_view>

namespace netbinder::tools::aidl {
namespace {

constexpr std::string_view kSymbols = "(){}[]<>,;.=@:+-*/%&|^~!?";
constexpr std::array<std::string_view, 8> kPairs = {"<<", ">>", "<=", ">=", "==", "!=", "&&", "||"};

bool begins_name(char letter) {
  return std::isalpha(static_cast<unsigned char>(letter)) != 0 || letter == '_';
}
bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool continues_name(char letter) { return begins_name(letter) || is_digit(letter); }

class Lexer {
 public:
  Lexer(const std::string& file, std::string_view content) : content_(content) {
    place_.file = file;
  }

  std::vector<Token> all() {
    std::vector<Token> tokens;
    do {
      skip_blanks();
      tokens.push_back(next());
    } while (tokens.back().kind != Token::Kind::kEnd);
    return tokens;
  }

 private:
  [[nodiscard]] bool ended() const { return at_ == content_.size(); }
  [[nodiscard]] bool begins(std::string_view what) const {
    return content_.substr(at_).starts_with(what);
  }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < content_.size() ? content_[at_ + ahead] : '\0';
  }
  char take() {
    const char letter = content_[at_++];
    ++place_.column;
    if (letter == '\n') {
      ++place_.line;
      place_.column = 1;
    }
    return letter;
  }

  void skip_blanks() {
    while (!ended()) {
      if (std::isspace(static_cast<unsigned char>(peek())) != 0) {
        take();
      } else if (begins("//")) {
        while (!ended() && peek() != '\n') take();
      } else if (begins("/*")) {
        const Place start = place_;
        take();
        take();
        while (!begins("*/")) {
          if (ended()) throw InputError(start, "this comment does not end");
          take();
        }
        take();
        take();
      } else {
        return;
      }
    }
  }

  Token next() {
    Token token{.kind = Token::Kind::kEnd, .text = "", .place = place_};
    if (ended()) return token;
    const char first = peek();
    if (begins_name(first)) {
      token.kind = Token::Kind::kName;
      while (continues_name(peek())) token.text += take();
    } else if (is_digit(first) || (first == '.' && is_digit(peek(1)))) {
      take_number(token);
    } else if (first == '"' || first == '\'') {
      take_quoted(token);
    } else {
      take_symbol(token);
    }
    return token;
  }

  void take_number(Token& token) {
    token.kind = Token::Kind::kInteger;
    const bool hexadecimal = begins("0x") || begins("0X");
    for (;;) {
      const char letter = peek();
      const bool exponent = !hexadecimal && (letter == 'e' || letter == 'E');
      const bool of_float = !hexadecimal && (letter == '.' || letter == 'f' || letter == 'F');
      if (!continues_name(letter) && letter != '.') return;
      if (hexadecimal && letter == '.') return;
      if (exponent || of_float) token.kind = Token::Kind::kFloat;
      token.text += take();
      if (exponent && (peek() == '+' || peek() == '-')) token.text += take();
    }
  }

  void take_quoted(Token& token) {
    const char quote = take();
    token.kind = quote == '"' ? Token::Kind::kText : Token::Kind::kCharacter;
    while (peek() != quote) {
      if (ended() || peek() == '\n') throw InputError(token.place, "this text does not end");
      // The compiler knows no escapes either.
      if (peek() == '\\') throw InputError(place_, "there are no backslashes in texts");
      token.text += take();
    }
    take();
  }

  void take_symbol(Token& token) {
    token.kind = Token::Kind::kSymbol;
    for (const std::string_view pair : kPairs) {
      if (!begins(pair)) continue;
      token.text = pair;
      take();
      take();
      return;
    }
    if (kSymbols.find(peek()) == std::string_view::npos) {
      throw InputError(place_, "this character is none of AIDL's");
    }
    token.text = take();
  }

  std::string_view content_;
  std::size_t at_ = 0;
  Place place_;
};

}  // namespace

std::vector<Token> words_of(const std::string& file, const std::string& content) {
  return Lexer(file, content).all();
}

}  // namespace netbinder::tools::aidl
