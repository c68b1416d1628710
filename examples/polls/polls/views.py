from django.db import connection
from django.db.models import F, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from .cached import cached, forget
from .models import Question

LIST_KEY = "questions"


@require_safe
def index(request):
    def compute():
        return list(Question.objects.annotate(votes=Sum("choices__votes")).values("id", "text", "votes")[:50])

    return render(request, "polls/index.html", {"questions": cached(LIST_KEY, 30, compute)})


@require_safe
def detail(request, question_id):
    question = get_object_or_404(Question, pk=question_id)
    return render(request, "polls/detail.html", {"question": question, "choices": question.choices.all()})


@require_POST
def vote(request, question_id):
    question = get_object_or_404(Question, pk=question_id)
    try:
        counted = question.choices.filter(pk=int(request.POST["choice"])).update(votes=F("votes") + 1)
    except (KeyError, ValueError):
        counted = 0
    if not counted:
        context = {"question": question, "choices": question.choices.all(), "error": "Choose one of the answers."}
        return render(request, "polls/detail.html", context, status=400)
    forget(LIST_KEY)
    return redirect("polls:results", question_id=question.pk)


@require_safe
@never_cache
def results(request, question_id):
    question = get_object_or_404(Question, pk=question_id)
    choices = list(question.choices.all())
    total = sum(choice.votes for choice in choices)
    for choice in choices:
        choice.percent = round(100 * choice.votes / total) if total else 0
    return render(request, "polls/results.html", {"question": question, "choices": choices, "total": total})


@require_GET
@never_cache
def healthz(request):
    """Well is a replica that reaches its database. The cache is not asked: pages do without it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")
