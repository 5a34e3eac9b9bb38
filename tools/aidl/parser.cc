// SPDX-License-Identifier: Apache-2.0
#include "tools/aidl/parser.h"

#include <array>
#include <string_view>
#include <utility>

namespace netbinder::tools::aidl {
namespace {

constexpr std::size_t kMostDimensions = 8;
// Each may be one level of an expression's tree.
constexpr std::size_t kMostOperators = 1000;

// The part of an annotation that matters for parcels.
struct Annotations {
  bool nullable = false;
  std::string backing;
};

// Operators of two sides, the loosest first.
constexpr std::array<std::array<std::string_view, 4>, 10> kOperators = {{{"||"},
                                                                         {"&&"},
                                                                         {"|"},
                                                                         {"^"},
                                                                         {"&"},
                                                                         {"==", "!="},
                                                                         {"<", ">", "<=", ">="},
                                                                         {"<<", ">>"},
                                                                         {"+", "-"},
                                                                         {"*", "/", "%"}}};

class Parser {
 public:
  Parser(const std::string& file, const std::string& content)
      : tokens_(words_of(file, content)), document_(std::make_unique<Document>()) {
    document_->file = file;
  }

  std::unique_ptr<Document> document() {
    if (take_name("package")) {
      document_->package = qualified_name();
      expect(";");
    }
    while (take_name("import")) {
      const Place place = here().place;
      document_->imports.push_back({qualified_name(), place});
      expect(";");
    }
    while (here().kind != Token::Kind::kEnd) {
      const Annotations annotations = take_annotations();
      document_->declarations.push_back(declaration(annotations, document_->package, nullptr));
    }
    return std::move(document_);
  }

 private:
  // One level deeper, as long as it lives.
  class Deeper {
   public:
    explicit Deeper(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMostDepth) {
        throw InputError(parser_.here().place, "this is nested too deeply");
      }
    }
    ~Deeper() { --parser_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Parser& parser_;
  };

  [[nodiscard]] const Token& here() const { return tokens_[at_]; }
  Token take() {
    Token token = tokens_[at_];
    if (token.kind != Token::Kind::kEnd) ++at_;
    return token;
  }
  [[nodiscard]] bool at_symbol(std::string_view symbol) const {
    return here().kind == Token::Kind::kSymbol && here().text == symbol;
  }
  [[nodiscard]] bool at_name(std::string_view name) const {
    return here().kind == Token::Kind::kName && here().text == name;
  }
  bool take_symbol(std::string_view symbol) {
    if (!at_symbol(symbol)) return false;
    take();
    return true;
  }
  bool take_name(std::string_view name) {
    if (!at_name(name)) return false;
    take();
    return true;
  }
  [[noreturn]] void fail_expecting(const std::string& what) const {
    const Token& got = here();
    throw InputError(got.place, "expected " + what + ", not " +
                                    (got.kind == Token::Kind::kEnd ? "the end of the file"
                                                                   : "\"" + got.text + "\""));
  }
  void expect(std::string_view symbol) {
    if (take_symbol(symbol)) return;
    // A >> closes two, as in List<List<int>>.
    if (symbol == ">" && at_symbol(">>")) {
      tokens_[at_].text = ">";
      ++tokens_[at_].place.column;
      return;
    }
    fail_expecting("\"" + std::string(symbol) + "\"");
  }
  std::string name() {
    if (here().kind != Token::Kind::kName) fail_expecting("a name");
    return take().text;
  }
  std::string qualified_name() {
    std::string full = name();
    while (take_symbol(".")) full += "." + name();
    return full;
  }

  Annotations take_annotations() {
    Annotations found;
    while (take_symbol("@")) {
      const std::string which = qualified_name();
      if (which == "nullable") found.nullable = true;
      if (!take_symbol("(")) continue;
      while (!take_symbol(")")) {
        const std::string parameter = name();
        if (take_symbol("=")) {
          const Expression value = expression();
          if (which == "Backing" && parameter == "type") found.backing = value.token.text;
        }
        if (!at_symbol(")")) expect(",");
      }
    }
    return found;
  }

  // ---- declarations ----

  static bool begins_declaration(const Token& token) {
    return token.kind == Token::Kind::kName &&
           (token.text == "interface" || token.text == "parcelable" || token.text == "union" ||
            token.text == "enum");
  }

  std::unique_ptr<Declaration> declaration(const Annotations& annotations,
                                           const std::string& prefix, const Declaration* outer) {
    const Deeper deeper(*this);
    const bool oneway = take_name("oneway");
    const Token what = here();
    if (!begins_declaration(what) || (oneway && what.text != "interface")) {
      fail_expecting(oneway ? "\"interface\"" : "interface, parcelable, union or enum");
    }
    take();
    auto made = std::make_unique<Declaration>();
    made->place = here().place;
    made->outer = outer;
    made->name = name();
    made->full_name = prefix.empty() ? made->name : prefix + "." + made->name;
    if (what.text == "interface") {
      made->kind = Declaration::Kind::kInterface;
      members(*made, oneway);
    } else if (what.text == "enum") {
      made->kind = Declaration::Kind::kEnum;
      if (!annotations.backing.empty()) made->backing = annotations.backing;
      enumerators(*made);
    } else {
      made->kind =
          what.text == "union" ? Declaration::Kind::kUnion : Declaration::Kind::kParcelable;
      parcelable(*made);
    }
    return made;
  }

  void parcelable(Declaration& made) {
    // Parcelable of another language: nothing says how it is laid out.
    while (made.kind == Declaration::Kind::kParcelable && !at_symbol("{") && !at_symbol("<")) {
      made.structured = false;
      if (take_symbol(";")) return;
      name();  // cpp_header and the like
      if (here().kind != Token::Kind::kText) fail_expecting("a text");
      take();
    }
    if (at_symbol("<")) {
      throw InputError(here().place, "parcelables with type parameters are not supported");
    }
    members(made, false);
  }

  void enumerators(Declaration& made) {
    expect("{");
    while (!take_symbol("}")) {
      Declaration::Enumerator one;
      (void)take_annotations();
      one.place = here().place;
      one.name = name();
      if (take_symbol("=")) one.value = expression();
      made.enumerators.push_back(std::move(one));
      if (!at_symbol("}")) expect(",");
    }
  }

  void members(Declaration& made, bool oneway) {
    expect("{");
    while (!take_symbol("}")) {
      const Annotations annotations = take_annotations();
      if (begins_declaration(here())) {
        made.nested.push_back(declaration(annotations, made.full_name, &made));
      } else if (take_name("const")) {
        (void)type(take_annotations());
        Constant constant;
        constant.place = here().place;
        constant.name = name();
        expect("=");
        constant.value = expression();
        expect(";");
        made.constants.push_back(std::move(constant));
      } else if (made.kind == Declaration::Kind::kInterface) {
        made.methods.push_back(method(annotations, oneway));
      } else {
        made.fields.push_back(field(annotations));
      }
    }
  }

  Field field(const Annotations& annotations) {
    Field made;
    made.type = type(annotations);
    made.name = name();
    if (take_symbol("=")) made.value = expression();
    expect(";");
    return made;
  }

  Method method(Annotations annotations, bool oneway) {
    Method made;
    made.oneway = take_name("oneway") || oneway;
    add(annotations, take_annotations());
    made.result = type(annotations);
    made.place = here().place;
    made.name = name();
    expect("(");
    while (!take_symbol(")")) {
      made.parameters.push_back(parameter());
      if (!at_symbol(")")) expect(",");
    }
    if (take_symbol("=")) made.number = expression();
    expect(";");
    return made;
  }

  Parameter parameter() {
    Parameter made;
    Annotations annotations = take_annotations();
    if (take_name("out")) {
      made.direction = Direction::kOut;
    } else if (take_name("inout")) {
      made.direction = Direction::kInOut;
    } else {
      (void)take_name("in");
    }
    add(annotations, take_annotations());
    made.type = type(annotations);
    made.name = name();
    return made;
  }

  static void add(Annotations& to, const Annotations& more) {
    to.nullable = to.nullable || more.nullable;
  }

  Type type(Annotations annotations) {
    const Deeper deeper(*this);
    add(annotations, take_annotations());
    Type made;
    made.place = here().place;
    made.name = qualified_name();
    made.nullable = annotations.nullable;
    if (take_symbol("<")) {
      do {
        made.elements.push_back(type({}));
      } while (take_symbol(","));
      expect(">");
    }
    while (take_symbol("[")) {
      if (made.dimensions.size() == kMostDimensions) {
        throw InputError(made.place, "an array of too many dimensions");
      }
      made.dimensions.emplace_back();
      if (!at_symbol("]")) made.dimensions.back().size = expression();
      expect("]");
    }
    return made;
  }

  // ---- expressions ----

  // An expression that is not part of another one.
  Expression expression() {
    operators_ = 0;
    return inner_expression();
  }

  Expression inner_expression() {
    const Deeper deeper(*this);
    Expression condition = binary(0);
    if (!at_symbol("?")) return condition;
    Expression choice{.kind = Expression::Kind::kChoice, .token = take(), .parts = {}};
    choice.parts.push_back(std::move(condition));
    choice.parts.push_back(inner_expression());
    expect(":");
    choice.parts.push_back(inner_expression());
    return choice;
  }

  Expression binary(std::size_t level) {
    if (level == kOperators.size()) return unary();
    Expression left = binary(level + 1);
    for (;;) {
      bool found = false;
      for (const std::string_view each : kOperators[level]) {
        found = found || (!each.empty() && at_symbol(each));
      }
      if (!found) return left;
      if (++operators_ > kMostOperators) throw InputError(here().place, "too long an expression");
      Expression whole{.kind = Expression::Kind::kBinary, .token = take(), .parts = {}};
      whole.parts.push_back(std::move(left));
      whole.parts.push_back(binary(level + 1));
      left = std::move(whole);
    }
  }

  Expression unary() {
    const Deeper deeper(*this);
    for (const std::string_view each : {"-", "+", "~", "!"}) {
      if (!at_symbol(each)) continue;
      Expression made{.kind = Expression::Kind::kUnary, .token = take(), .parts = {}};
      made.parts.push_back(unary());
      return made;
    }
    return primary();
  }

  Expression primary() {
    if (take_symbol("(")) {
      Expression inner = inner_expression();
      expect(")");
      return inner;
    }
    if (at_symbol("{")) {
      Expression list{.kind = Expression::Kind::kList, .token = take(), .parts = {}};
      while (!take_symbol("}")) {
        list.parts.push_back(inner_expression());
        if (!at_symbol("}")) expect(",");
      }
      return list;
    }
    if (here().kind == Token::Kind::kName) {
      Token named = here();
      named.text = qualified_name();
      return {.kind = Expression::Kind::kName, .token = std::move(named), .parts = {}};
    }
    if (here().kind == Token::Kind::kSymbol || here().kind == Token::Kind::kEnd) {
      fail_expecting("a value");
    }
    return {.kind = Expression::Kind::kLiteral, .token = take(), .parts = {}};
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t operators_ = 0;  // in the expression that is read
  std::unique_ptr<Document> document_;
};

}  // namespace

std::unique_ptr<Document> parse(const std::string& file, const std::string& content) {
  return Parser(file, content).document();
}

}  // namespace netbinder::tools::aidl
