from django.conf import settings


def served_by(request):
    return {"served_by": settings.SERVED_BY}
