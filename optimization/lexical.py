"""The baseline that takes seconds and often wins: TF-IDF over characters and logistic regression, trained and written out.

scikit-learn trains it; `classify.Lexical` reads it with numpy alone, so that it can be shipped without a pickle.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from common import files
from common.errors import Refused
from optimization.classify import Classifier, plain

NGRAMS, FEATURES = (2, 5), 100_000


def fit(texts: list[str], labels: list[int]) -> tuple[Any, Any]:
    """(vectorizer, classifier)."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=NGRAMS, min_df=2, max_features=FEATURES, sublinear_tf=True)
    solver = "liblinear" if len(set(labels)) == 2 else "lbfgs"
    return grams, LogisticRegression(C=3.0, solver=solver, max_iter=500).fit(grams.fit_transform(texts), labels)


def weights(model: Any) -> tuple[Any, Any]:
    """(coefficients (labels, features), intercepts (labels,)) of a logistic regression, float32."""
    coef, intercept = model.coef_, model.intercept_
    if len(coef) == 1:  # two classes: scikit-learn keeps the second one's logit only
        coef, intercept = np.vstack([np.zeros_like(coef), coef]), np.concatenate([[0.0], intercept])
    return coef.astype(np.float32), intercept.astype(np.float32)


def write(folder: Path, texts: list[str], labels: list[int], settings: dict[str, Any]) -> Path:
    """Train, write a model folder, and check it against scikit-learn on 200 of the texts."""
    texts = [plain(t, settings) for t in texts]
    grams, model = fit(texts, labels)
    coef, intercept = weights(model)
    with files.new_folder(folder) as made:
        np.savez(
            made / "lexical.npz",
            coef=coef,
            intercept=intercept,
            idf=grams.idf_.astype(np.float32),
            ngrams=np.array(NGRAMS),
        )
        files.write_text(
            made / "vocabulary.json", json.dumps(grams.get_feature_names_out().tolist(), ensure_ascii=False)
        )
        files.write_json(made / "model.json", settings)
        sample = texts[:: max(1, len(texts) // 200)]
        difference = np.abs(Classifier(made).probabilities(sample) - model.predict_proba(grams.transform(sample))).max()
        if difference > 1e-4:
            raise Refused(
                f"the written model differs from scikit-learn by {difference:.1e}",
                "report it with scikit-learn's version",
            )
    return folder
