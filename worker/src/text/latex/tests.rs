use super::*;

/// Returns the text with its formulas converted, as if it had no Markdown.
fn shown(source: &str) -> String {
    let (mut text, mut from) = (String::new(), 0);
    for Formula { at, text: new } in formulas(source, &[]) {
        text += &source[from..at.start];
        text += new.as_deref().unwrap_or(&source[at.clone()]);
        from = at.end;
    }
    text + &source[from..]
}

fn check(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(shown(source), *expected, "{source}");
    }
}

fn stays(texts: &[&str]) {
    for text in texts {
        check(&[(text, text)]);
    }
}

#[test]
fn simple_formulas_become_text_without_their_marks() {
    check(&[
        (r"\( x^2 \) と \(x\)", "x² と x"),
        (r"$$\frac{a}{b}$$", "a/b"),
        (r"$x$, $2x$, $x = 5$ ($f(x)$) と$n-1$個", "x, 2x, x = 5 (f(x)) とn-1個"),
        (
            "解は\n\\[\nx = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}\n\\]\nです",
            "解は\nx = (-b ± √(b² - 4ac))/(2a)\nです",
        ),
        (r"$E=mc^2$ $10^{-3}$ $a_{n+1}$ $x_1^2$ ${}^{14}C$", "E=mc² 10⁻³ aₙ₊₁ x₁² ¹⁴C"),
        (
            r"$e^{i\pi} + 1 = 0$ $V_{CC}$ $x^{a/b}$ $v_{max}$ $T_{部屋}$",
            "e^(iπ) + 1 = 0 V_CC x^(a/b) vₘₐₓ $T_{部屋}$",
        ),
        (r"\( 3\times4 \div 2 \leq 6 \)", "3×4 ÷ 2 ≤ 6"),
        (r"\(\alpha\beta \in \mathbb{R}\)", "αβ ∈ ℝ"),
        (r"\( \sum_{i=1}^{n} i = \frac{n(n+1)}{2} \)", "∑ᵢ₌₁ⁿ i = (n(n+1))/2"),
        (r"\( \lim_{x \to 0} \sin\theta \)", "lim_(x → 0) sin θ"),
        (
            r"\(\frac{1}{2}\) \(\frac12\) \(\frac{dy}{dx}\) \(\dfrac{(a+b)}{\sqrt{2}}\)",
            "1/2 1/2 dy/dx (a+b)/√2",
        ),
        (r"\(\frac{\text{距離}}{\text{速さ}}\) \(\sqrt[3]{8}\)", "距離/速さ ³√8"),
        (r"$$ \left( \frac{1}{2} \right)^2 = 25\% $$", "( 1/2 )² = 25%"),
        (r"\[ \left\{ x \mid x > 0 \right. \]", "{ x | x > 0"),
        ("\\[\\begin{aligned} x &= 1 \\\\ y &= 2 \\end{aligned}\\]", "x = 1\ny = 2"),
        (
            r"$90^\circ$, $\vec{a}$, $f'(x)$, $x\,dx$, $a \equiv b \pmod{n}$",
            "90°, a\u{20d7}, f'(x), x dx, a ≡ b (mod n)",
        ),
        (r"$\text{面積} = \pi r^2$", "面積 = π r²"),
    ]);
}

#[test]
fn known_commands_without_marks_are_read_too() {
    check(&[
        (r"3 \times 4 \approx 12、円周率\pi", "3 × 4 ≈ 12、円周率π"),
        (r"\frac{1}{2} と \sqrt{2} と \boxed{42}", "1/2 と √2 と 42"),
        (r"\$5 and \$10", "$5 and $10"),
    ]);
    stays(&[
        r"C:\times\new, D:\pi, \\server\alpha, dir\beta, ..\in",
        r"\alpha\beta.txt",
        r"\n \t \d+ \w \unknown{x} \frac \frac{1 \text",
        r"\$x",
    ]);
}

#[test]
fn prices_variables_of_a_shell_brackets_and_faces_stay() {
    stays(&[
        "$5 and $10",
        "$5 for $x items",
        "$5、$10、$5-$10, $5–$10, US$5 = A$7, 5$ and 10$, $100",
        "($5)($6), $1,000/$1,200 a $3.50",
        "$HOME/bin:$PATH, $a_b $c_d, ${x}_${y}, $(cmd) $(cmd), $1,$2 and $a=$b; $i++<$n",
        "高い店は $$ から $$$ まで、$$〜$$$、kill $$ ; echo $$",
        "$x and\n$y",
        "$ x $",
        "$$$x^2$$$",
        r"\[1\] \[x\] \(笑\) \(note\) \[x](y)",
        r"\(^o^)/ と \(^_^\) と ¯\_(ツ)_/¯",
        "",
        "$",
        "$$",
        "\\",
        "\\(",
        "\\(\\)",
        "$$$$",
        "\\( x\n\ny \\)",
    ]);
}

#[test]
fn what_is_not_simple_stays_as_a_whole() {
    stays(&[
        r"\( \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} \)",
        r"\( x^2 + \unknown{y} \)",
        r"$$ \frac{a}{b $$",
        r"\( x^ \) \( x} \) \( x^^2 \) \( \frac{1} \) \( \left \) \( \sqrt[3 \)",
        r"$\alpha$5",
    ]);
    let deep = format!("\\( {}x{} \\)", "{".repeat(400), "}".repeat(400));
    let fractions = format!("\\( {} \\)", "\\frac".repeat(150));
    let long = format!("\\( {} \\)", "x + ".repeat(1_000));
    stays(&[&deep, &fractions, &long]);
}

#[test]
fn texts_that_never_close_their_formulas_are_read_quickly() {
    for mark in ["\\(", "\\[", "$$ ", "$a", "\\frac{", "\\(x^2 \\[", "\\sqrt[", "あ$"] {
        let text = mark.repeat(125_000 / mark.len());
        assert_eq!(shown(&text), text);
    }
}
