from django.core.management import call_command
from django.core.management.base import BaseCommand

from polls.models import Question

QUESTIONS = {
    "What do you drink in the morning?": ["Coffee", "Tea", "Water", "Nothing yet"],
    "Where should the next meeting be?": ["By the sea", "In the mountains", "Online"],
}


class Command(BaseCommand):
    help = "Brings the tables up to date and adds the first questions. Safe to repeat."

    def handle(self, *args, **options):
        call_command("migrate", interactive=False, verbosity=1)
        for text, choices in QUESTIONS.items():
            question, is_new = Question.objects.get_or_create(text=text)
            for choice in choices:
                question.choices.get_or_create(text=choice)
            self.stdout.write(f"{'added' if is_new else 'present'}: {text}")
