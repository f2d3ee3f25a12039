//! Converts formulas in LaTeX, which some models write even if they are told not to, to text that people can read, such
//! as `\( x^2 \)` to `x²`. Pure.
//!
//! A formula is converted as a whole or stays as the model wrote it: for example one with an unknown command or a
//! matrix. The marks of formulas have other meanings too (prices, variables of a shell, escaped brackets, kaomoji), so
//! the text between them must also look like a formula.

use std::ops::Range;

/// The longest formula, in bytes. It limits the search for a closing mark.
const LONGEST: usize = 1_000;
/// The most groups and arguments inside each other.
const DEEPEST: usize = 16;

/// A formula.
pub(super) struct Formula {
    /// The place of the formula with its marks, in bytes.
    pub(super) at: Range<usize>,
    /// The readable text; `None` if the formula stays as it is.
    pub(super) text: Option<String>,
}

/// Whether a text may contain a formula. It is a quick test for the many texts that contain none.
pub(super) fn may_contain_formula(source: &str) -> bool {
    source.as_bytes().contains(&b'\\') || source.as_bytes().contains(&b'$')
}

/// Returns the formulas of a text in their order. None has a byte in `others`, which are in order.
pub(super) fn formulas(source: &str, others: &[Range<usize>]) -> Vec<Formula> {
    let (mut found, mut from) = (vec![], 0);
    let mut others = others.iter().peekable();
    while let Some(at) = source[from..].find(['$', '\\']).map(|at| from + at) {
        while others.next_if(|part| part.end <= at).is_some() {}
        let end = others.peek().map_or(source.len(), |part| part.start);
        if let Some(part) = others.next_if(|part| part.start <= at) {
            from = part.end;
            continue;
        }
        let rest = &source[at..source.floor_char_boundary(end.min(at + LONGEST))];
        if let Some((len, text)) = formula(&source[..at], rest) {
            found.push(Formula { at: at..at + len, text });
            from = at + len;
        } else {
            // A backslash and the sign after it belong together, and so do several dollars.
            let is_escape =
                rest.starts_with('\\') && rest[1..].starts_with(|c: char| c.is_ascii_punctuation());
            let dollars = rest.len() - rest.trim_start_matches('$').len();
            from = at + if is_escape { 2 } else { dollars.max(1) };
        }
    }
    found
}

/// Returns the length and the text of the formula with which `rest` begins.
fn formula(before: &str, rest: &str) -> Option<(usize, Option<String>)> {
    const MARKS: [(&str, &str); 4] = [("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$")];
    let before = before.chars().next_back();
    let Some((open, close)) = MARKS.into_iter().find(|(open, _)| rest.starts_with(open)) else {
        return bare(before, rest);
    };
    let end = open.len() + rest[open.len()..].find(close)?;
    let (inside, len) = (&rest[open.len()..end], end + close.len());
    let after = rest[len..].chars().next();
    if inside.is_empty() || inside.contains("\n\n") || inside.contains(open) {
        return None;
    }
    let is_formula = match open {
        "\\(" => has_sign(inside) || inside.is_ascii() && !has_word(inside),
        "\\[" => has_sign(inside) || inside.starts_with(char::is_whitespace),
        "$$" if inside.starts_with('$') || after == Some('$') => return None,
        "$$" => has_sign(inside) || inside.starts_with('\n'),
        _ if is_between_dollars(before, inside, after) => true,
        _ => return None,
    };
    Some((len, if is_formula { readable(inside) } else { None }))
}

/// Whether the text between two single dollars is a formula, and neither a text between two prices nor between two
/// variables of a shell.
fn is_between_dollars(before: Option<char>, inside: &str, after: Option<char>) -> bool {
    let opens = before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '$');
    let closes = after.is_none_or(|c| !c.is_ascii_alphanumeric() && !"${(_".contains(c));
    let has_space = inside.contains(char::is_whitespace);
    let is_math = inside.is_ascii()
        && (!has_word(inside) || inside.contains("_{") || inside.contains("^{"))
        && inside.contains(|c: char| c.is_ascii_alphanumeric())
        && (!has_space
            || inside.contains('^')
            || inside.contains(|c: char| c.is_ascii_alphabetic())
                && inside.contains(|c| "+-*/=<>_|".contains(c)));
    let is_tight = inside.trim().len() == inside.len() && !inside.contains(['\n', '`']);
    opens && closes && is_tight && (has_command(inside) || is_math)
}

/// Converts a command without marks around it, as in `3 \times 4`. A part of a path, as in `C:\times`, is none.
fn bare(before: Option<char>, rest: &str) -> Option<(usize, Option<String>)> {
    const WITH_GROUP: [&str; 7] = ["frac", "dfrac", "tfrac", "sqrt", "text", "mathrm", "boxed"];
    let after = rest.strip_prefix('\\')?;
    let path_or_word = |c: char| c.is_ascii_alphabetic() || ":\\/._~-$".contains(c);
    if before.is_some_and(path_or_word) {
        return None;
    }
    if let Some(price) = after.strip_prefix('$') {
        // A price is escaped so that it begins no formula.
        return price.starts_with(|c: char| c.is_ascii_digit()).then(|| (2, Some("$".to_owned())));
    }
    let name_len = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (name, further) = after.split_at(name_len);
    let is_known = symbol(name).is_some() && !further.starts_with('\\')
        || WITH_GROUP.contains(&name) && further.starts_with(['{', '[']);
    let mut reader = Reader { rest: after, depth: 0 };
    let text = is_known.then(|| reader.command()).flatten()?;
    Some((rest.len() - reader.rest.len(), Some(text)))
}

/// Whether a text contains a sign that stands in formulas and seldom elsewhere.
fn has_sign(text: &str) -> bool {
    text.contains(['^', '_', '=', '+', '<', '>']) || has_command(text)
}

fn has_command(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && pair[1].is_ascii_alphabetic())
}

/// Whether a text contains a word and not only names of variables.
fn has_word(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphabetic()).any(|letters| letters.len() >= 3)
}

/// Returns the readable text of a formula without its marks; `None` if a part of it cannot be converted.
fn readable(formula: &str) -> Option<String> {
    let text = Reader { rest: formula, depth: 0 }.until(None)?;
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}

/// Reads a formula from its beginning to its end.
struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    /// Converts up to the closing bracket, or up to the end.
    fn until(&mut self, closing: Option<char>) -> Option<String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut text = String::new();
        loop {
            match self.next() {
                end if end == closing => break,
                None | Some('}' | '$') => return None,
                Some('{') => text += &self.until(Some('}'))?,
                Some('^') => text += &script('^', &self.argument()?),
                Some('_') => text += &script('_', &self.argument()?),
                Some('\\') => text += &self.command()?,
                // The mark at which lines are aligned.
                Some('&') => {}
                Some('\n' | '~') => text.push(' '),
                Some(c) => text.push(c),
            }
        }
        self.depth -= 1;
        Some(text)
    }

    /// Converts an argument of a command: a group, a command, or one character.
    fn argument(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        match self.next()? {
            '{' => self.until(Some('}')),
            '\\' => {
                self.depth += 1;
                let text = if self.depth > DEEPEST { None } else { self.command() };
                self.depth -= 1;
                text
            }
            '^' | '_' | '}' | '$' | '&' => None,
            c => Some(c.to_string()),
        }
    }

    /// Converts a command, whose backslash is read already.
    fn command(&mut self) -> Option<String> {
        let command = self.rest;
        let first = self.next()?;
        if !first.is_ascii_alphabetic() {
            return match first {
                '\\' => Some("\n".to_owned()),
                ',' | ';' | ':' | ' ' | '\n' => Some(" ".to_owned()),
                '!' => Some(String::new()),
                '{' | '}' | '%' | '$' | '#' | '&' | '_' => Some(first.to_string()),
                '|' => Some("‖".to_owned()),
                _ => None,
            };
        }
        self.rest = command.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let name = &command[..command.len() - self.rest.len()];
        match name {
            "frac" | "dfrac" | "tfrac" | "cfrac" => {
                let (over, under) = (self.argument()?, self.argument()?);
                Some(format!("{}/{}", grouped(&over, false), grouped(&under, true)))
            }
            "sqrt" => {
                let is_root = self.rest.trim_start().starts_with('[');
                let degree = if is_root {
                    self.argument().and_then(|_| self.until(Some(']')))?
                } else {
                    String::new()
                };
                Some(format!("{}√{}", script('^', &degree), grouped(&self.argument()?, false)))
            }
            "text" | "textbf" | "textit" | "textrm" | "mbox" | "mathrm" | "mathbf" | "mathit" | "mathsf"
            | "mathcal" | "boldsymbol" | "bm" | "operatorname" | "boxed" | "underline" => self.argument(),
            "mathbb" => self.argument().map(|set| pair(SETS, &set).map_or(set.clone(), str::to_owned)),
            "pmod" => self.argument().map(|modulus| format!(" (mod {modulus})")),
            "vec" | "hat" | "bar" | "overline" | "dot" | "ddot" | "tilde" => {
                let mark = pair(ACCENTS, name)?;
                Some(self.argument()?.chars().flat_map(|c| [c.to_string(), mark.to_owned()]).collect())
            }
            "left" | "right" | "middle" | "big" | "bigl" | "bigr" | "Big" | "Bigl" | "Bigr" => {
                match self.next()? {
                    '.' => Some(String::new()),
                    '\\' => self.command(),
                    c => Some(c.to_string()),
                }
            }
            "begin" | "end" => {
                let lines = [
                    "aligned",
                    "align",
                    "align*",
                    "equation",
                    "equation*",
                    "gather",
                    "gather*",
                    "cases",
                    "split",
                ];
                lines.contains(&self.argument()?.as_str()).then(String::new)
            }
            "displaystyle" | "textstyle" | "limits" | "nolimits" | "nonumber" => Some(String::new()),
            "quad" | "qquad" => Some(" ".to_owned()),
            _ if FUNCTIONS.split(' ').any(|function| function == name) => {
                let space = if self.rest.starts_with('\\') { " " } else { "" };
                Some(format!("{name}{space}"))
            }
            _ => symbol(name).map(str::to_owned),
        }
    }
}

/// Returns the top or the bottom of a fraction, in brackets if it would be read in another way without them.
fn grouped(text: &str, is_bottom: bool) -> String {
    let text = text.trim();
    let inside = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let has_brackets = inside.is_some_and(|inside| !inside.contains(['(', ')']));
    let is_one = text.chars().all(|c| c.is_alphanumeric() || "√.,%°′∞!()⁺⁻⁼₊₋₌".contains(c));
    let is_product = text.contains(|c: char| c.is_ascii_digit()) && text.contains(char::is_alphabetic);
    if has_brackets || is_one && !(is_bottom && is_product) { text.to_owned() } else { format!("({text})") }
}

/// Returns a superscript (`^`) or a subscript (`_`), with the mark itself if Unicode has not all of its characters.
fn script(mark: char, text: &str) -> String {
    let [from, to] = if mark == '^' { RAISED } else { LOWERED };
    if mark == '^' && ["∘", "°", "′"].contains(&text) {
        return text.replace('∘', "°");
    }
    let small = |c| to.chars().nth(from.chars().position(|it| it == c)?);
    let signs = || text.chars().filter(|c| *c != ' ');
    signs().map(small).collect::<Option<String>>().unwrap_or_else(|| {
        let is_name = signs().count() == 1 || mark == '_' && text.chars().all(char::is_alphanumeric);
        if is_name { format!("{mark}{}", text.trim()) } else { format!("{mark}({text})") }
    })
}

/// Returns the character of a command that stands for one character.
fn symbol(name: &str) -> Option<&'static str> {
    pair(SYMBOLS, name)
}

/// Returns the word beside `name` in a list of pairs.
fn pair(list: &'static str, name: &str) -> Option<&'static str> {
    let mut words = list.split_ascii_whitespace();
    loop {
        let (key, value) = (words.next()?, words.next()?);
        if key == name {
            return Some(value);
        }
    }
}

const RAISED: [&str; 2] =
    ["0123456789+-=()abcdefghijklmnoprstuvwxyzT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀ"];
const LOWERED: [&str; 2] = ["0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ"];
const FUNCTIONS: &str = "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp lim max min sup inf det dim ker gcd arg deg mod bmod";
const SETS: &str = "N ℕ Z ℤ Q ℚ R ℝ C ℂ P ℙ";
const ACCENTS: &str =
    "vec \u{20d7} hat \u{302} bar \u{304} overline \u{305} dot \u{307} ddot \u{308} tilde \u{303}";
/// The commands that stand for one character, each with it.
const SYMBOLS: &str = "\
    alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta θ iota ι kappa κ lambda λ \
    mu μ nu ν xi ξ pi π rho ρ sigma σ tau τ upsilon υ phi φ varphi φ chi χ psi ψ omega ω \
    Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Phi Φ Psi Ψ Omega Ω \
    times × div ÷ cdot · pm ± mp ∓ ast * star ⋆ circ ∘ bullet • oplus ⊕ otimes ⊗ \
    le ≤ leq ≤ leqslant ≤ ge ≥ geq ≥ geqslant ≥ ne ≠ neq ≠ lt < gt > ll ≪ gg ≫ approx ≈ equiv ≡ sim ∼ simeq ≃ cong ≅ \
    propto ∝ perp ⊥ parallel ∥ mid | angle ∠ triangle △ degree ° prime ′ infty ∞ partial ∂ nabla ∇ \
    sum ∑ prod ∏ int ∫ iint ∬ oint ∮ hbar ℏ ell ℓ Re ℜ Im ℑ \
    in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ supset ⊃ supseteq ⊇ cup ∪ cap ∩ setminus ∖ emptyset ∅ varnothing ∅ \
    forall ∀ exists ∃ nexists ∄ neg ¬ lnot ¬ land ∧ wedge ∧ lor ∨ vee ∨ therefore ∴ because ∵ \
    to → rightarrow → longrightarrow → leftarrow ← gets ← leftrightarrow ↔ mapsto ↦ uparrow ↑ downarrow ↓ \
    Rightarrow ⇒ implies ⇒ Leftarrow ⇐ Leftrightarrow ⇔ iff ⇔ rightleftharpoons ⇌ \
    ldots … cdots ⋯ dots … vdots ⋮ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ langle ⟨ rangle ⟩ lbrace { rbrace } vert | Vert ‖";

#[cfg(test)]
mod tests;
